import { describe, expect, it } from 'vitest';
import { binding } from '../../lib/binding.js';
import { hostArch } from '../../lib/kernel/arch/host.js';
import { ERRNO } from '../../lib/kernel/errno.js';
import { registersFrom } from '../../lib/kernel/registers.js';
import { NT } from '../../lib/kernel/regsets.js';
import { PTRACE } from '../../lib/kernel/requests.js';
import { script, result } from '../../lib/raw/child.js';
import { getGeneral, setGeneral } from '../../lib/raw/general-registers.js';
import { cont, getRegset } from '../../lib/raw/index.js';
import { type KernelLayer, withKernelLayer } from '../../lib/raw/kernel-layer.js';
import { expectReason, next, traced } from './tracee.js';

const arch = hostArch(process.arch) ?? 'x64';

/** A kernel that has no register sets. */
const bare = (): KernelLayer => ({
  ...binding(),
  ptraceIovec: (request, tid, addr, data) =>
    request === PTRACE.GETREGSET || request === PTRACE.SETREGSET
      ? -ERRNO.EIO
      : binding().ptraceIovec(request, tid, addr, data),
});

const exitsWithResult = () => traced(script().traceme().tgkillSelf('SIGSTOP').exitGroup(result));

describe('the general registers', () => {
  it('are NT_PRSTATUS', () => {
    const pid = traced();
    expect(getGeneral(pid)).toEqual(getRegset(pid, NT.PRSTATUS));
  });

  it.runIf(arch === 'x64')('are read and written on a kernel without register sets', () => {
    const pid = exitsWithResult();
    const whole = getRegset(pid, NT.PRSTATUS);
    withKernelLayer(bare(), () => {
      expect(getGeneral(pid)).toEqual(whole);
      const registers = registersFrom(arch, getGeneral(pid));
      registers.result = 42n;
      setGeneral(pid, registers.bytes);
    });
    cont(pid);
    expect(next(pid)).toBe(42 << 8);
  });

  it.runIf(arch === 'arm64')('are not to be had on a kernel without register sets', () => {
    const pid = traced();
    withKernelLayer(bare(), () => expectReason(() => getGeneral(pid), 'not-supported'));
  });

  it.runIf(arch === 'x64')('refuse a value that no register can have, as the kernel does', () => {
    const pid = traced();
    const segments = getGeneral(pid);
    // The code segment: selectors of the kernel's own are refused.
    new DataView(segments.buffer).setBigUint64(17 * 8, 0x10n, true);
    expectReason(() => setGeneral(pid, segments), 'kernel');
  });
});
