import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { binding } from '../../lib/binding.js';
import { ERRNO } from '../../lib/kernel/errno.js';
import { PTRACE } from '../../lib/kernel/requests.js';
import { type TraceeMemory } from '../../lib/tracer/index.js';
import { pageSize } from '../helpers/mappings.js';
import { expectKind, expectReason, within } from '../helpers/tracing.js';
import { held, onLayer, type HeldPart, watchedLayer } from './programs.js';

// Where process_vm_readv is forbidden (a seccomp filter) and /proc is not mounted, there is PEEK and POKE.
const { openSync } = fs;
beforeAll(() => {
  fs.openSync = (path, ...rest) => {
    if (typeof path === 'string' && /^\/proc\/\d+\/mem$/.test(path))
      throw Object.assign(new Error('ENOENT: no /proc'), { code: 'ENOENT' });
    return openSync(path, ...rest);
  };
  syncBuiltinESMExports();
});
afterAll(() => {
  fs.openSync = openSync;
  syncBuiltinESMExports();
});
const refusal = (): number => -ERRNO.EPERM;

const PAGE = BigInt(pageSize);
const PATTERN = Buffer.from(Array.from({ length: 64 }, (_, index) => index + 1));

async function stoppedWith(): Promise<HeldPart & { at: bigint; memory: TraceeMemory }> {
  vi.spyOn(binding(), 'processVmRead').mockRestore();
  const part = await held((s) =>
    s
      .buffer('pattern', PATTERN)
      .syscall('mmap', 0, 2 * pageSize, 3, 0x22, -1, 0)
      .store('map')
      .compute(s.word('map'), 'add', pageSize)
      .syscall('munmap', s.register(0), pageSize)
      .trap()
      .loop((t) => t.pause()),
  );
  vi.spyOn(binding(), 'processVmRead').mockImplementation(refusal);
  vi.spyOn(binding(), 'processVmWrite').mockImplementation(refusal);
  return { ...part, at: part.started.address('pattern'), memory: part.tracee.memory };
}

describe('memory word by word', () => {
  it('is read from any offset in any length', async () => {
    const { memory, at } = await stoppedWith();
    for (let offset = 0; offset < 16; offset++) {
      for (let length = 1; length < 20; length++) {
        const { bytes, complete, path } = memory.read(at + BigInt(offset), length);
        expect(Buffer.compare(bytes, PATTERN.subarray(offset, offset + length)), `${offset} ${length}`).toBe(0);
        expect([complete, path]).toEqual([true, 'ptrace']);
      }
    }
    expect(memory.readCString(at, { maxLength: 10 }).bytes).toEqual(PATTERN.subarray(0, 10));
  });

  it('is written at any offset in any length, and nothing beside it', async () => {
    const { memory, at } = await stoppedWith();
    const expected = Buffer.from(PATTERN);
    for (let offset = 0; offset < 10; offset++) {
      for (let length = 1; length < 18; length++) {
        const data = Buffer.alloc(length, 0x80 + offset + length);
        data.copy(expected, offset + 8);
        const written = memory.write(at + 8n + BigInt(offset), data);
        expect(written).toEqual({ bytesWritten: length, complete: true, path: 'ptrace' });
        expect(Buffer.compare(memory.read(at, 64).bytes, expected)).toBe(0);
      }
    }
  });

  it('ends at a hole; at its first byte that is an error', async () => {
    const part = await stoppedWith();
    // The go word is written by the same way.
    expectKind(await within(part.go(), 'the trap'), 'breakpoint');
    const end = part.word('map') + PAGE;
    expect(part.memory.write(end - 5n, PATTERN.subarray(0, 5))).toMatchObject({ bytesWritten: 5, complete: true });
    expect(part.memory.read(end - 5n, 20)).toMatchObject({ complete: false, path: 'ptrace' });
    expect(part.memory.read(end - 5n, 20).bytes).toEqual(PATTERN.subarray(0, 5));
    expect(part.memory.write(end - 3n, PATTERN.subarray(0, 9))).toMatchObject({ bytesWritten: 3, complete: false });
    for (const attempt of [() => part.memory.read(end, 1), () => part.memory.write(end, PATTERN)]) {
      const error = await expectReason(attempt, 'kernel');
      expect(error.code).toBe('EFAULT');
    }
  });

  it('writes program text', async () => {
    const { memory, started } = await stoppedWith();
    const before = Uint8Array.from(memory.read(started.nops, 4).bytes);
    expect(memory.write(started.nops + 1n, Uint8Array.of(1, 2))).toMatchObject({ complete: true, path: 'ptrace' });
    expect([...memory.read(started.nops, 4).bytes]).toEqual([before[0], 1, 2, before[3]]);
    memory.write(started.nops, before);
  });

  it('needs a stopped tracee', async () => {
    const part = await stoppedWith();
    part.go();
    expectKind(await within(part.tracee.wait(), 'the trap'), 'breakpoint');
    part.tracee.resume();
    const error = await expectReason(() => part.memory.read(part.at, 4), 'running');
    expect(error.message).toContain('wait for its next stop');
    await expectReason(() => part.memory.write(part.at, PATTERN), 'running');
  });

  it('asks for each word once', async () => {
    const watched = watchedLayer();
    await onLayer(watched.layer, async () => {
      const { memory, at, tracer } = await stoppedWith();
      const aligned = at - (at % 8n);
      watched.forget();
      memory.read(aligned, 64);
      expect(watched.count(PTRACE.PEEKDATA)).toBe(8);
      expect(watched.requests).toHaveLength(8);
      await tracer.close();
    });
  });
});
