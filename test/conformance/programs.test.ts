/** The programs of fixtures/: this machine's kernel runs one of them. */
import { describe, expect, it } from 'vitest';
import { arm32Program, i386Program } from '../../lib/conformance/fixtures.js';
import { unmet } from '../../lib/conformance/needs.js';
import { hostArch } from '../../lib/kernel/arch/host.js';
import { ERRNO } from '../../lib/kernel/errno.js';
import { registersFrom, type Registers } from '../../lib/kernel/registers.js';
import { NT } from '../../lib/kernel/regsets.js';
import { SIG } from '../../lib/kernel/signals.js';
import { syscallNumber } from '../../lib/kernel/syscalls.js';
import { script } from '../../lib/raw/child.js';
import { cont, getRegset, kill, peekData, pokeData, setRegset } from '../../lib/raw/index.js';
import { stateOf, until } from '../raw/ends.js';
import { child, next, stopWord } from '../raw/tracee.js';

const x64 = process.arch === 'x64';
const [need, other] = x64
  ? (['i386-programs', 'arm32-programs'] as const)
  : (['arm32-programs', 'i386-programs'] as const);
const [program, foreign] = x64 ? [i386Program(), arm32Program()] : [arm32Program(), i386Program()];
const abi = x64 ? 'i386' : 'arm';
const missing = unmet(need, {});

/** Where the fields of its `shared` are. */
const FIELDS = { value: 0n, answer: 8n, trap: 12n, forget: 16n, tls: 24n, arguments: 40n } as const;
type Field = keyof typeof FIELDS;

const exited = (code: number): number => code << 8;

/** It runs until it ends or has stopped itself. */
function run(command: string, number = 0): { pid: number; status: number } {
  if ('missing' in program) throw new Error(program.missing);
  const { pid } = child(
    script()
      .traceme()
      .exec(program.path, [program.path, command, String(number)])
      .exitGroup(99),
  );
  expect(next(pid)).toBe(stopWord(SIG.SIGTRAP));
  cont(pid);
  return { pid, status: next(pid) };
}

class Stopped {
  readonly pid: number;
  readonly #shared: bigint;

  constructor(command: string, number = 0) {
    const { pid, status } = run(command, number);
    expect(status).toBe(stopWord(SIG.SIGSTOP));
    this.pid = pid;
    this.#shared = this.registers().arg(3);
  }

  registers(): Registers {
    return registersFrom(hostArch(process.arch)!, getRegset(this.pid, NT.PRSTATUS));
  }

  field(name: Field): number {
    return Number(BigInt.asIntN(32, peekData(this.pid, this.#shared + FIELDS[name])));
  }

  /** Sets two neighbouring words. */
  set(name: Field, first: number, second = 0): void {
    pokeData(this.pid, this.#shared + FIELDS[name], BigInt.asUintN(32, BigInt(first)) | (BigInt(second) << 32n));
  }

  /** Goes on at one of its functions, outside of any system call, until it stops. */
  goTo(name: 'answer' | 'trap' | 'forget'): number {
    const registers = this.registers();
    registers.pc = BigInt(this.field(name));
    if (x64) registers.syscallNumber = -1;
    setRegset(this.pid, NT.PRSTATUS, registers.bytes);
    // Elsewhere the kernel takes the number from here alone.
    if (!x64) setRegset(this.pid, NT.ARM_SYSTEM_CALL, new Int32Array([-1]));
    return this.goOn();
  }

  goOn(): number {
    cont(this.pid);
    return next(this.pid);
  }
}

it('the program of another machine is not to be had', () => {
  const reason = x64 ? 'only arm64 runs AArch32 programs' : 'only x86-64 runs i386 programs';
  expect(foreign).toEqual({ missing: reason });
  expect(unmet(other, {})).toBe(reason);
});

describe("the program of this machine's 32-bit ABI", () => {
  const test = (name: string, body: () => void): void => {
    it(name, ({ skip }) => {
      if (missing !== undefined) skip(missing);
      body();
    });
  };

  test('is a tracee of that ABI', () => {
    expect(new Stopped('stop').registers().abi).toBe(abi);
  });

  test('ends with the code it is given, and 127 for a command that it does not know', () => {
    expect(run('exit', 42).status).toBe(exited(42));
    expect(run('nonsense').status).toBe(exited(127));
  });

  test('exits with a value that its tracer has put there', () => {
    const tracee = new Stopped('stop');
    tracee.set('value', 23);
    expect(tracee.goOn()).toBe(exited(23));
  });

  test('runs into its breakpoint instruction, having done what its functions do', () => {
    const tracee = new Stopped('stop');
    expect(tracee.goTo('answer')).toBe(stopWord(SIG.SIGTRAP));
    expect(tracee.field('value')).toBe(42);
    const beyond = x64 ? 1 : 0;
    expect(tracee.registers().pc).toBe(BigInt(tracee.field('trap') + beyond));
    expect(tracee.goTo('trap')).toBe(stopWord(SIG.SIGTRAP));
    expect(tracee.registers().pc).toBe(BigInt(tracee.field('trap') + beyond));
  });

  test('reads its thread-local storage, until it has let go of it', () => {
    expect(new Stopped('tls').goOn()).toBe(exited(77));
    const tracee = new Stopped('tls');
    const { pc } = tracee.registers();
    expect(tracee.goTo('forget')).toBe(stopWord(SIG.SIGTRAP));
    const registers = tracee.registers();
    registers.pc = pc;
    setRegset(tracee.pid, NT.PRSTATUS, registers.bytes);
    expect(tracee.goOn()).toBe(stopWord(SIG.SIGSEGV));
  });

  test('makes the system call that it is told to', () => {
    const tracee = new Stopped('call', syscallNumber(abi, 'getppid'));
    expect(tracee.goOn()).toBe(stopWord(SIG.SIGSTOP));
    expect(tracee.field('value')).toBe(process.pid);
    expect(tracee.goOn()).toBe(exited(0));
    const closing = new Stopped('call', syscallNumber(abi, 'close'));
    closing.set('arguments', -1);
    closing.goOn();
    expect(closing.field('value')).toBe(-ERRNO.EBADF);
  });

  test('waits in the calls that can be interrupted', () => {
    expect(new Stopped('sleep', 1).goOn()).toBe(exited(0));
    expect(new Stopped('read', 999).goOn()).toBe(exited(100 + ERRNO.EBADF));
    // POLLNVAL is something to tell.
    expect(new Stopped('poll', 999).goOn()).toBe(exited(1));
    const { pid } = new Stopped('pause');
    cont(pid);
    until('it waits', () => stateOf(pid) === 'S');
    kill(pid, SIG.SIGKILL);
    expect(next(pid)).toBe(SIG.SIGKILL);
  });
});
