import { describe, expect, it } from 'vitest';
import { hostArch } from '../../lib/kernel/arch/host.js';
import { registersFrom } from '../../lib/kernel/registers.js';
import { NT } from '../../lib/kernel/regsets.js';
import { result, script } from '../../lib/raw/child.js';
import {
  cont,
  getFpRegs,
  getRegs,
  getRegset,
  getRegsetInto,
  setFpRegs,
  setRegs,
  setRegset,
} from '../../lib/raw/index.js';
import { expectReason, failure, next, traced } from './tracee.js';

const arch = hostArch(process.arch);
const WHOLE = arch === 'x64' ? 216 : 272;

/** A stopped child that exits with the value that the tracer puts where a result is. */
const exitsWithResult = () => traced(script().traceme().tgkillSelf('SIGSTOP').exitGroup(result));

describe('PTRACE_GETREGSET', () => {
  it('gives the whole set, as long as it is', () => {
    const pid = traced();
    expect(getRegset(pid, NT.PRSTATUS).length).toBe(WHOLE);
    expect(getRegset(pid, NT.PRFPREG).length).toBe(arch === 'x64' ? 512 : 528);
    expect(getRegset(pid, NT.PRSTATUS)).toEqual(getRegset(pid, NT.PRSTATUS));
  });

  it('gives part of it to a shorter buffer', () => {
    const pid = traced();
    const whole = getRegset(pid, NT.PRSTATUS);
    for (const length of [8, 16, 80, WHOLE - 8, WHOLE, WHOLE + 8, 1000]) {
      const buffer = new Uint8Array(length).fill(0xee);
      const got = getRegset(pid, NT.PRSTATUS, buffer);
      const expected = Math.min(length, WHOLE);
      expect(got.length).toBe(expected);
      expect(got.buffer).toBe(buffer.buffer);
      expect(got).toEqual(whole.slice(0, expected));
      expect(buffer.subarray(expected).every((byte) => byte === 0xee)).toBe(true);
      expect(getRegsetInto(pid, NT.PRSTATUS, buffer)).toBe(expected);
    }
  });

  it('takes every kind of view, and an ArrayBuffer part', () => {
    const pid = traced();
    const whole = getRegset(pid, NT.PRSTATUS);
    const memory = new ArrayBuffer(64);
    for (const view of [
      new DataView(memory, 8, 16),
      new BigUint64Array(memory, 8, 2),
      new Float64Array(memory, 8, 2),
      new Int16Array(memory, 8, 8),
      Buffer.from(memory, 8, 16),
      new Uint8Array(new SharedArrayBuffer(64), 8, 16),
    ]) {
      expect(getRegsetInto(pid, NT.PRSTATUS, view)).toBe(16);
      expect(Buffer.from(view.buffer, 8, 16).equals(whole.subarray(0, 16))).toBe(true);
      expect(new Uint8Array(view.buffer)[7]).toBe(0);
      expect(new Uint8Array(view.buffer)[24]).toBe(0);
    }
  });

  it('refuses odd lengths and unknown types', () => {
    const pid = traced();
    expectReason(() => getRegset(pid, NT.PRSTATUS, new Uint8Array(7)), 'not-supported', 'EINVAL');
    expectReason(() => getRegset(pid, 0x12345), 'not-supported', 'EINVAL');
    expectReason(() => getRegset(pid, -1), 'bad-input');
    expectReason(() => getRegset(pid, NT.PRSTATUS, {} as never), 'bad-input');
  });
});

describe('PTRACE_SETREGSET', () => {
  it('writes the whole set', () => {
    const pid = exitsWithResult();
    if (arch === undefined) throw new Error('unknown machine');
    const registers = registersFrom(arch, getRegset(pid, NT.PRSTATUS));
    registers.result = 33n;
    expect(setRegset(pid, NT.PRSTATUS, registers.bytes)).toBe(WHOLE);
    cont(pid);
    expect(next(pid)).toBe(33 << 8);
  });

  it('writes the first part of it', () => {
    const pid = traced();
    const whole = getRegset(pid, NT.PRSTATUS);
    expect(setRegset(pid, NT.PRSTATUS, new BigUint64Array([0xabcdn]))).toBe(8);
    const now = getRegset(pid, NT.PRSTATUS);
    expect(new DataView(now.buffer).getBigUint64(0, true)).toBe(0xabcdn);
    expect(now.slice(8)).toEqual(whole.slice(8));
  });

  it('refuses odd lengths', () => {
    expectReason(() => setRegset(traced(), NT.PRSTATUS, new Uint8Array(9)), 'not-supported', 'EINVAL');
  });
});

describe.runIf(arch === 'x64')('PTRACE_GETREGS and the like (x86-64 only)', () => {
  it('are the regset', () => {
    const pid = traced();
    expect(getRegs(pid)).toEqual(getRegset(pid, NT.PRSTATUS));
    expect(getFpRegs(pid)).toEqual(getRegset(pid, NT.PRFPREG));
    const buffer = new Uint8Array(600).fill(0xee);
    expect(getRegs(pid, buffer)).toEqual(getRegs(pid));
    expect(buffer[216]).toBe(0xee);
    expect(getFpRegs(pid, buffer).length).toBe(512);
  });

  it('write back', () => {
    const pid = exitsWithResult();
    const registers = registersFrom('x64', getRegs(pid));
    registers.result = 9n;
    setRegs(pid, registers.bytes);
    const floats = getFpRegs(pid);
    // xmm0
    floats.fill(0x5a, 160, 176);
    setFpRegs(pid, floats);
    expect(getFpRegs(pid)).toEqual(floats);
    cont(pid);
    expect(next(pid)).toBe(9 << 8);
  });

  it('refuse what a register cannot have, and buffers that are too short', () => {
    const pid = traced();
    const registers = new BigUint64Array(getRegs(pid).buffer);
    // fs_base outside user space
    registers[21] = 0xffff_8000_0000_0000n;
    expectReason(() => setRegs(pid, registers), 'kernel', 'EIO');
    const floats = getFpRegs(pid);
    // MXCSR
    floats.fill(0xff, 24, 28);
    const refused = failure(() => setFpRegs(pid, floats));
    // Before Linux 5.14 bits that cannot be were left out without a word.
    if (refused === undefined) expect(getFpRegs(pid).slice(24, 28)).not.toEqual(floats.slice(24, 28));
    else expect(refused).toMatchObject({ reason: 'kernel', code: 'EINVAL' });
    expectReason(() => getRegs(pid, new Uint8Array(215)), 'bad-input');
    expectReason(() => setRegs(pid, new Uint8Array(215)), 'bad-input');
    expectReason(() => getFpRegs(pid, new Uint8Array(511)), 'bad-input');
    expectReason(() => setFpRegs(pid, new Uint8Array(511)), 'bad-input');
  });
});

describe.runIf(arch === 'arm64')('PTRACE_GETREGS and the like (arm64 only)', () => {
  it('are not there, and no other request is made for them', () => {
    const pid = traced();
    expectReason(() => getRegs(pid), 'not-supported');
    expectReason(() => setFpRegs(pid, new Uint8Array(512)), 'not-supported');
  });
});
