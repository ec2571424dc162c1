import { describe, expect, it } from 'vitest';
import { hostArch } from '../../lib/kernel/arch/host.js';
import { NT } from '../../lib/kernel/regsets.js';
import { SIG } from '../../lib/kernel/signals.js';
import { script } from '../../lib/raw/child.js';
import {
  cont,
  getRegset,
  peekData,
  peekText,
  peekUser,
  pokeData,
  pokeText,
  pokeUser,
  processVmRead,
} from '../../lib/raw/index.js';
import { child, expectReason, next, stopWord, traced } from './tracee.js';

const arch = hostArch(process.arch);

function stoppedWithWord(): { pid: number; address: bigint; nops: bigint } {
  const started = child(
    script()
      .buffer('text', 'abcdefghijklmnop')
      .set(0x1122334455667788n)
      .store('number')
      .traceme()
      .tgkillSelf('SIGSTOP')
      .nops()
      .exitGroup(script().register(0)),
  );
  expect(next(started.pid)).toBe(stopWord(SIG.SIGSTOP));
  return { pid: started.pid, address: started.address('number'), nops: started.nops };
}

describe('PTRACE_PEEKDATA and POKEDATA', () => {
  it('read and write a word, wherever it lies', () => {
    const { pid, address } = stoppedWithWord();
    expect(peekData(pid, address)).toBe(0x1122334455667788n);
    expect(peekText(pid, address)).toBe(0x1122334455667788n);
    pokeData(pid, address, -2);
    expect(peekData(pid, address)).toBe(0xffff_ffff_ffff_fffen);
    pokeText(pid, address, 0xffff_ffff_ffff_ffffn);
    expect(peekData(pid, address)).toBe(0xffff_ffff_ffff_ffffn);
    pokeData(pid, address + 3n, 0n);
    expect(peekData(pid, address)).toBe(0xffffffn);
  });

  it('a word of all ones is a value, not an error', () => {
    const { pid, address } = stoppedWithWord();
    pokeData(pid, address, -1n);
    expect(peekData(pid, address)).toBe(0xffff_ffff_ffff_ffffn);
  });

  it('write to read-only code', () => {
    const { pid, nops } = stoppedWithWord();
    const before = peekText(pid, nops);
    const inverted = BigInt.asUintN(64, ~before);
    pokeText(pid, nops, inverted);
    const bytes = new Uint8Array(8);
    processVmRead(pid, nops, bytes);
    expect(new DataView(bytes.buffer).getBigUint64(0, true)).toBe(inverted);
    pokeText(pid, nops, before);
    cont(pid);
    next(pid);
  });

  it('fail where nothing is mapped', () => {
    const { pid } = stoppedWithWord();
    for (const address of [0n, 1n, 3n, 0x8000_0000_0000_0000n, 0xffff_ffff_ffff_fff8n, 0xffff_ffff_ffff_ffffn]) {
      expectReason(() => peekText(pid, address), 'kernel', 'EIO');
      expectReason(() => peekData(pid, address), 'kernel', 'EIO');
      expectReason(() => pokeText(pid, address, 0), 'kernel', 'EIO');
      expect(expectReason(() => pokeData(pid, address, 0), 'kernel', 'EIO').message).toContain('mapped');
    }
  });

  it('refuse what is no address and no word', () => {
    const pid = traced();
    for (const address of [-1, -1n, 1n << 64n, 1.5, NaN, 2 ** 60, '0' as never, null as never, {} as never]) {
      expectReason(() => peekData(pid, address), 'bad-input');
      expectReason(() => pokeData(pid, address, 0), 'bad-input');
    }
    for (const value of [1n << 64n, -(1n << 63n) - 1n, 1.5, NaN, 2 ** 60, '0' as never, undefined as never]) {
      expectReason(() => pokeData(pid, 0, value), 'bad-input');
    }
  });
});

describe('PTRACE_PEEKUSER and POKEUSER', () => {
  it.runIf(arch === 'x64')('are the registers, word by word (x86-64 only)', () => {
    const pid = traced();
    const words = new BigUint64Array(getRegset(pid, NT.PRSTATUS).buffer);
    for (const [index, word] of words.entries()) expect(peekUser(pid, 8 * index)).toBe(word);
    // r15 is the first.
    pokeUser(pid, 0, 0x1234567890abcdefn);
    expect(peekUser(pid, 0n)).toBe(0x1234567890abcdefn);
    expect(new BigUint64Array(getRegset(pid, NT.PRSTATUS).buffer)[0]).toBe(0x1234567890abcdefn);
  });

  it.runIf(arch === 'x64')('fail outside, and for values that may not be (x86-64 only)', () => {
    const pid = traced();
    for (const offset of [1, 2, 3, 9, 8 * 1000, 0xffff_ffff_ffff_fff8n]) {
      expectReason(() => peekUser(pid, offset), 'kernel', 'EIO');
      expectReason(() => pokeUser(pid, offset, 0), 'kernel', 'EIO');
    }
    // The first debug register takes no address of the kernel.
    expectReason(() => pokeUser(pid, 848, 0xffff_8000_0000_0000n), 'kernel', 'EINVAL');
  });

  it.runIf(arch === 'arm64')('are not there (arm64 only)', () => {
    expectReason(() => peekUser(traced(), 0), 'not-supported');
  });
});
