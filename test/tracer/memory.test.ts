import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERRNO } from '../../lib/kernel/errno.js';
import type { ChildScript } from '../../lib/raw/child.js';
import { type TraceeMemory } from '../../lib/tracer/index.js';
import { pageSize } from '../helpers/mappings.js';
import { expectKind, expectReason, newTracer, stateOf, tasksOf, until, within } from '../helpers/tracing.js';
import { held, runTo, type HeldPart } from './programs.js';

const PAGE = pageSize;
const PROT = { NONE: 0, READ: 1, WRITE: 2 } as const;
const TOP = 1n << 64n;

const text = (value: string): Uint8Array => Buffer.from(value);

/** Maps pages and gives each its protection; those without one are unmapped again. The address is in the word 'map'. */
function map(s: ChildScript, pages: readonly (number | undefined)[]): ChildScript {
  // MAP_PRIVATE | MAP_ANONYMOUS
  s.syscall('mmap', 0, pages.length * PAGE, PROT.READ | PROT.WRITE, 0x22, -1, 0).store('map');
  for (const [index, protection] of pages.entries()) {
    s.compute(s.word('map'), 'add', index * PAGE);
    if (protection === undefined) s.syscall('munmap', s.register(0), PAGE);
    else s.syscall('mprotect', s.register(0), PAGE, protection);
  }
  return s;
}

/** A child with such pages, in a stop behind the mapping. */
async function mapped(
  pages: readonly (number | undefined)[],
): Promise<HeldPart & { at: bigint; memory: TraceeMemory }> {
  const part = await held((s) =>
    map(s, pages)
      .trap()
      .loop((t) => t.pause()),
  );
  expectKind(await within(part.go(), 'the trap'), 'breakpoint');
  return { ...part, at: part.word('map'), memory: part.tracee.memory };
}

describe('memory', () => {
  it('is read and written where it is', async () => {
    const { tracee, started } = await held((s) => s.buffer('text', 'what stands here').loop((t) => t.pause()));
    const { memory } = tracee;
    const at = started.address('text');
    expect(memory.read(at, 16)).toEqual({ bytes: text('what stands here'), complete: true, path: 'process-vm' });
    expect(memory.read(Number(at), 4).bytes.toString()).toBe('what');
    expect(memory.write(at + 5n, text('STOOD'))).toEqual({ bytesWritten: 5, complete: true, path: 'process-vm' });
    const buffer = new Uint8Array(20).fill(0xee);
    expect(memory.readInto(at, buffer.subarray(2, 18))).toBe(16);
    expect(Buffer.from(buffer).toString('latin1')).toBe('\xee\xeewhat STOODs here\xee\xee');
    expect(tracee.memory).toBe(memory);
  });

  it('is there while the tracee runs', async () => {
    const { tracee, go, word } = await held((s) => s.loop((t) => t.increment('count')));
    go();
    expect(tracee.state).toBe('running');
    const before = await until(() => word('count') || undefined, 'it counts');
    await until(() => word('count') > before, 'it counts on');
  });

  it('is that of the program that is executed', async () => {
    const { tracee, go, started } = await held((s) => map(s, [PROT.NONE]).trap().exec('/bin/true'));
    expectKind(await within(go(), 'the trap'), 'breakpoint');
    const old = started.address('map');
    const page = Buffer.from(tracee.memory.read(old, 8).bytes).readBigUInt64LE();
    // This opens /proc/PID/mem, which stands for the memory that the exec takes down.
    expect(tracee.memory.read(page, 8)).toMatchObject({ path: 'proc-mem', complete: true });
    await runTo(tracee, 'exec');
    await expectReason(() => tracee.memory.read(page, 8), 'kernel');
    await expectReason(() => tracee.memory.read(old, 8), 'kernel');
    const { pc, sp } = tracee.registers;
    expect(tracee.memory.read(sp, 8).complete).toBe(true);
    // The text of the new program, which only /proc/PID/mem writes.
    const code = Uint8Array.from(tracee.memory.read(pc, 4).bytes);
    expect(tracee.memory.write(pc, code)).toEqual({ bytesWritten: 4, complete: true, path: 'proc-mem' });
    expect(expectKind(await within(tracee.resume(), 'the end'), 'exited').code).toBe(0);
  });

  it('of a thread is that of its process, also when the leader has left', async () => {
    const made = await held((s) =>
      s
        .buffer('text', 'shared')
        .thread((t) => t.trap().loop((u) => u.pause()))
        .exit(0),
    );
    made.go();
    const tracer = made.tracer;
    for (;;) {
      const stop = await within(tracer.wait(), 'the trap');
      if (stop.kind === 'breakpoint') {
        await until(() => stateOf(made.started.pid) === 'Z', 'the leader has left');
        expect(stop.tracee.memory.read(made.started.address('text'), 6).bytes.toString()).toBe('shared');
        expect(tasksOf(made.started.pid)).toHaveLength(2);
        break;
      }
      tracer.resumeUnhandled(stop);
    }
  });

  it('of a forked child is its own', async () => {
    const part = await held((s) => s.fork((t) => t.trap().loop((u) => u.pause())).loop((t) => t.pause()));
    const fork = expectKind(await within(part.go(), 'the fork'), 'fork');
    await within(fork.child.wait(), 'its first stop');
    expectKind(await within(fork.child.resume(), 'its trap'), 'breakpoint');
    fork.child.memory.write(part.started.address('go'), Uint8Array.of(7));
    expect(Buffer.from(fork.child.memory.read(part.started.address('go'), 1).bytes)[0]).toBe(7);
    expect(part.word('go')).toBe(1n);
    await within(fork.child.kill(), 'the end of the child');
  });

  it('can be large', async () => {
    const size = 16 << 20;
    const part = await held((s) =>
      s
        .syscall('mmap', 0, size, PROT.READ | PROT.WRITE, 0x22, -1, 0)
        .store('map')
        .trap()
        .loop((t) => t.pause()),
    );
    await within(part.go(), 'the trap');
    const data = new Uint8Array(size);
    for (let index = 0; index < size; index += 997) data[index] = index & 0xff;
    expect(part.tracee.memory.write(part.word('map'), data).bytesWritten).toBe(size);
    const { bytes, complete } = part.tracee.memory.read(part.word('map'), size);
    expect(complete).toBe(true);
    expect(Buffer.compare(bytes, data)).toBe(0);
  });
});

describe('a hole', () => {
  it('gives what is in front of it', async () => {
    const { memory, at } = await mapped([PROT.READ | PROT.WRITE, undefined]);
    const end = at + BigInt(PAGE);
    memory.write(end - 8n, text('12345678'));
    expect(memory.read(end - 8n, 100)).toEqual({ bytes: text('12345678'), complete: false, path: 'process-vm' });
    expect(memory.read(end - 8n, 8).complete).toBe(true);
    const buffer = new Uint8Array(16).fill(0xee);
    expect(memory.readInto(end - 4n, buffer)).toBe(4);
    expect(Buffer.from(buffer.subarray(0, 4)).toString()).toBe('5678');
    expect(memory.write(end - 3n, text('abcdef'))).toEqual({ bytesWritten: 3, complete: false, path: 'process-vm' });
    expect(memory.read(end - 4n, 4).bytes.toString()).toBe('5abc');
  });

  it('at the first byte is an error that says where', async () => {
    const { memory, at } = await mapped([undefined, PROT.READ | PROT.WRITE]);
    for (const attempt of [
      () => memory.read(at, 1),
      () => memory.read(at, 2 * PAGE),
      () => memory.readInto(at, new Uint8Array(4)),
      () => memory.write(at, text('x')),
      () => memory.readCString(at),
      () => memory.read(0, 8),
      () => memory.read(0xffff_8000_0000_0000n, 8),
    ]) {
      const error = await expectReason(attempt, 'kernel');
      expect(error.errno).toBe(ERRNO.EFAULT);
      expect(error.code).toBe('EFAULT');
      expect(error.message).toMatch(/nothing is mapped at 0x[0-9a-f]+ that could be (read|written)/);
    }
    // The rest is there.
    expect(memory.read(at + BigInt(PAGE), 4).complete).toBe(true);
  });
});

describe('protected pages', () => {
  it('are read and written through /proc/PID/mem', async () => {
    const { memory, at } = await mapped([PROT.NONE, PROT.READ]);
    expect(memory.write(at + 10n, text('secret'))).toEqual({ bytesWritten: 6, complete: true, path: 'proc-mem' });
    expect(memory.read(at + 10n, 6)).toEqual({ bytes: text('secret'), complete: true, path: 'proc-mem' });
    // From what may not be read into what may.
    const edge = at + BigInt(PAGE) - 3n;
    expect(memory.write(edge, text('across'))).toEqual({ bytesWritten: 6, complete: true, path: 'proc-mem' });
    expect(memory.read(edge, 6)).toEqual({ bytes: text('across'), complete: true, path: 'proc-mem' });
    expect(memory.read(edge + 3n, 3)).toEqual({ bytes: text('oss'), complete: true, path: 'process-vm' });
  });

  it('in the middle of a read are filled in by that way', async () => {
    const { memory, at } = await mapped([PROT.READ | PROT.WRITE, PROT.NONE, PROT.READ | PROT.WRITE]);
    const data = Buffer.alloc(3 * PAGE, 'abcdefg');
    expect(memory.write(at, data)).toEqual({ bytesWritten: 3 * PAGE, complete: true, path: 'proc-mem' });
    const { bytes, complete, path } = memory.read(at, 3 * PAGE);
    expect([complete, path]).toEqual([true, 'proc-mem']);
    expect(Buffer.compare(bytes, data)).toBe(0);
  });

  it('in front of a hole give what there is', async () => {
    const { memory, at } = await mapped([PROT.NONE, undefined]);
    memory.write(at + BigInt(PAGE) - 2n, text('zz'));
    expect(memory.read(at + BigInt(PAGE) - 2n, 10)).toEqual({ bytes: text('zz'), complete: false, path: 'proc-mem' });
  });

  it('keep no descriptor open beyond their tracee', async () => {
    const descriptors = (): number => readdirSync('/proc/self/fd').length;
    const before = descriptors();
    for (let round = 0; round < 20; round++) {
      const { memory, at, tracee } = await mapped([PROT.NONE]);
      expect(memory.read(at, 1).path).toBe('proc-mem');
      if (round % 2 === 0) await within(tracee.kill(), 'its end');
      else await tracee.detach();
      await expectReason(() => memory.read(at, 1), round % 2 === 0 ? 'gone' : 'not-tracee');
    }
    expect(descriptors()).toBeLessThanOrEqual(before);
  });
});

describe('readCString', () => {
  it('reads up to the NUL', async () => {
    const { memory, at } = await mapped([PROT.READ | PROT.WRITE]);
    memory.write(at, text('grüße\0rest'));
    expect(memory.readCString(at)).toEqual({ text: 'grüße', bytes: text('grüße'), complete: true });
    expect(memory.readCString(at + 100n)).toEqual({ text: '', bytes: text(''), complete: true });
  });

  it('reads across pages, and up to the last byte in front of a hole', async () => {
    const { memory, at } = await mapped([PROT.READ | PROT.WRITE, PROT.READ | PROT.WRITE, undefined]);
    const long = 'x'.repeat(PAGE + 500);
    memory.write(at + 100n, text(`${long}\0`));
    expect(memory.readCString(at + 100n, { maxLength: 2 * PAGE })).toMatchObject({ text: long, complete: true });
    const end = at + BigInt(2 * PAGE);
    memory.write(end - 5n, text('last\0'));
    expect(memory.readCString(end - 5n)).toMatchObject({ text: 'last', complete: true });
    memory.write(end - 4n, text('open'));
    expect(memory.readCString(end - 4n)).toMatchObject({ text: 'open', complete: false });
    expect(memory.readCString(end - 1n)).toMatchObject({ text: 'n', complete: false });
  });

  it('reads protected pages, too', async () => {
    const { memory, at } = await mapped([PROT.NONE]);
    memory.write(at, text('hidden\0'));
    expect(memory.readCString(at)).toMatchObject({ text: 'hidden', complete: true });
  });

  it('ends at its greatest length', async () => {
    const { memory, at } = await mapped([PROT.READ | PROT.WRITE, PROT.READ | PROT.WRITE]);
    memory.write(at, Buffer.alloc(2 * PAGE, 'y'));
    for (const maxLength of [0, 1, 255, 256, 257, 4096, 5000]) {
      const { text: read, complete, bytes } = memory.readCString(at, { maxLength });
      expect(read).toBe('y'.repeat(maxLength));
      expect(bytes).toHaveLength(maxLength);
      expect(complete).toBe(false);
    }
    memory.write(at + 300n, Uint8Array.of(0));
    expect(memory.readCString(at, { maxLength: 300 }).complete).toBe(false);
    expect(memory.readCString(at, { maxLength: 301 }).complete).toBe(true);
  });
});

describe('the top of the address space', () => {
  it('gives errors as everywhere, and bad input beyond its end', async () => {
    const { tracee } = await held((s) => s.loop((t) => t.pause()));
    const { memory } = tracee;
    for (const [address, length] of [
      [TOP - 1n, 1],
      [TOP - 8n, 8],
      [TOP - 4096n, 4096],
      [0x7fff_ffff_ffff_f000n, 16],
      [1n << 63n, 16],
      [(1n << 63n) - 8n, 16],
    ] as const) {
      await expectReason(() => memory.read(address, length), 'kernel');
      await expectReason(() => memory.write(address, new Uint8Array(length)), 'kernel');
    }
    for (const [address, length] of [
      [TOP - 1n, 2],
      [TOP - 8n, 9],
    ] as const) {
      const error = await expectReason(() => memory.read(address, length), 'bad-input');
      expect(error.message).toContain('do not fit');
      await expectReason(() => memory.write(address, new Uint8Array(length)), 'bad-input');
    }
    await expectReason(() => memory.readCString(TOP - 1n), 'kernel');
  });
});

describe('arguments', () => {
  it('of no length are no access', async () => {
    const { tracee } = await held((s) => s.loop((t) => t.pause()));
    const { memory } = tracee;
    expect(memory.read(0, 0)).toMatchObject({ complete: true });
    expect(memory.read(0, 0).bytes).toHaveLength(0);
    expect(memory.readInto(TOP - 1n, new Uint8Array(0))).toBe(0);
    expect(memory.write(0, new Uint8Array(0))).toMatchObject({ bytesWritten: 0, complete: true });
    expect(memory.readCString(0, { maxLength: 0 })).toEqual({ text: '', bytes: Buffer.alloc(0), complete: false });
  });

  it('of other types or ranges are refused', async () => {
    const { tracee } = await held((s) => s.loop((t) => t.pause()));
    const { memory } = tracee;
    for (const address of [
      -1,
      -1n,
      TOP,
      1.5,
      Number.NaN,
      2 ** 53,
      '0',
      null,
      undefined,
      {},
      [],
      Symbol('s'),
    ] as never[]) {
      await expectReason(() => memory.read(address, 1), 'bad-input');
      await expectReason(() => memory.readInto(address, new Uint8Array(1)), 'bad-input');
      await expectReason(() => memory.write(address, new Uint8Array(1)), 'bad-input');
      await expectReason(() => memory.readCString(address), 'bad-input');
    }
    for (const length of [-1, 1.5, 2 ** 31, Number.NaN, '1', 1n, null, undefined] as never[]) {
      await expectReason(() => memory.read(1, length), 'bad-input');
      if (length !== undefined && length !== null) {
        await expectReason(() => memory.readCString(1, { maxLength: length }), 'bad-input');
      }
    }
    for (const data of ['text', null, undefined, 5, [1, 2], {}] as never[]) {
      await expectReason(() => memory.write(1, data), 'bad-input');
      await expectReason(() => memory.readInto(1, data), 'bad-input');
    }
    await expectReason(() => memory.readCString(1, { length: 5 } as never), 'bad-input');
    await expectReason(() => memory.readCString(1, 5 as never), 'bad-input');
  });
});

describe('the memory of what is no tracee any more', () => {
  it('is refused, for its id may be another process', async () => {
    const tracer = newTracer();
    const ended = await held((s) => s.loop((t) => t.pause()), tracer);
    const detached = await held((s) => s.loop((t) => t.pause()), tracer);
    await within(ended.tracee.kill(), 'its end');
    await detached.tracee.detach();
    for (const [part, reason] of [
      [ended, 'gone'],
      [detached, 'not-tracee'],
    ] as const) {
      const { memory } = part.tracee;
      const at = part.started.address('go');
      await expectReason(() => memory.read(at, 1), reason);
      await expectReason(() => memory.readInto(at, new Uint8Array(1)), reason);
      await expectReason(() => memory.write(at, new Uint8Array(1)), reason);
      await expectReason(() => memory.readCString(at), reason);
    }
  });
});
