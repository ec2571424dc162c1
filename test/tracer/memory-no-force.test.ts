import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { binding } from '../../lib/binding.js';
import { ERRNO } from '../../lib/kernel/errno.js';
import { expectReason, within } from '../helpers/tracing.js';
import { held, type HeldPart } from './programs.js';

// CONFIG_CROSS_MEMORY_ATTACH off, CONFIG_PROC_MEM_NO_FORCE on: /proc/PID/mem obeys page protections, and there is nothing else but POKE.
async function stopped(): Promise<HeldPart> {
  const part = await held((s) => s.trap().loop((t) => t.pause()));
  vi.spyOn(binding(), 'processVmRead').mockReturnValue(-ERRNO.ENOSYS);
  vi.spyOn(binding(), 'processVmWrite').mockReturnValue(-ERRNO.ENOSYS);
  vi.spyOn(binding(), 'writeAt').mockReturnValue(-ERRNO.EIO);
  onTestFinished(() => {
    vi.restoreAllMocks();
  });
  return part;
}

describe('memory where /proc/PID/mem keeps to page protections', () => {
  it('is written by POKE, while the tracee is stopped', async () => {
    const { tracee, started } = await stopped();
    const before = tracee.memory.read(started.nops, 3);
    expect(before).toMatchObject({ complete: true, path: 'proc-mem' });
    const written = tracee.memory.write(started.nops + 1n, Uint8Array.of(1, 2));
    expect(written).toEqual({ bytesWritten: 2, complete: true, path: 'ptrace' });
    expect([...tracee.memory.read(started.nops, 3).bytes]).toEqual([before.bytes[0], 1, 2]);
    await within(tracee.kill(), 'its end');
  });

  it('is not written where nothing is mapped, nor while the tracee runs', async () => {
    const { tracee, started } = await stopped();
    await expectReason(() => tracee.memory.write(8, Uint8Array.of(1)), 'kernel');
    tracee.resume();
    await expectReason(() => tracee.memory.write(started.nops, Uint8Array.of(1)), 'kernel');
    await within(tracee.kill(), 'its end');
  });
});
