import { describe, expect, it } from 'vitest';
import { AUDIT_ARCH } from '../../lib/kernel/audit-arch.js';
import { ERRNO } from '../../lib/kernel/errno.js';
import { PTRACE } from '../../lib/kernel/requests.js';
import { result, script } from '../../lib/raw/child.js';
import { isEnd, type Stop, type Tracee } from '../../lib/tracer/index.js';
import { child, expectKind, expectReason, newTracer, pauser, seizeOne, send, within } from '../helpers/tracing.js';
import { collect, held, nr, onLayer, watchedLayer } from './programs.js';

const X64 = process.arch === 'x64';
const HOST_ABI = X64 ? 'x86_64' : 'aarch64';
const HOST_ARCH = X64 ? AUDIT_ARCH.X86_64 : AUDIT_ARCH.AARCH64;

/** The entry of the next call of this name. */
async function entryOf(
  tracee: Tracee,
  name: string,
  first: PromiseLike<Stop> = tracee.resume('syscall'),
): Promise<Extract<Stop, { kind: 'syscall-entry' }>> {
  for (let next = first; ; next = tracee.resume('syscall')) {
    const stop = await within(next, `the entry of ${name}`);
    if (isEnd(stop)) throw new Error(`it ended before ${name}`);
    if (stop.kind === 'syscall-entry' && stop.name === name) return stop;
  }
}

async function exit(tracee: Tracee): Promise<Extract<Stop, { kind: 'syscall-exit' }>> {
  return expectKind(await within(tracee.resume('syscall'), 'the exit'), 'syscall-exit');
}

describe('a system call', () => {
  it('is told at its entry with number, name and arguments, at its exit with result and entry', async () => {
    const part = await held((s) =>
      s.syscall('dup3', 1, 0x1122334455n, -1, 0xdeadbeefcafef00dn, 5, 6).store('r').exitGroup(0),
    );
    const entry = await entryOf(part.tracee, 'dup3', part.go('syscall'));
    expect(entry.status).toBe(0x857f);
    expect(entry.tid).toBe(part.started.pid);
    expect(entry.number).toBe(nr('dup3'));
    expect(entry.args).toEqual([1n, 0x1122334455n, 0xffffffffffffffffn, 0xdeadbeefcafef00dn, 5n, 6n]);
    expect([0, 1, 2, 3, 4, 5].map((index) => entry.arg(index))).toEqual(entry.args);
    expect(entry.arch).toBe(HOST_ARCH);
    expect(entry.abi).toBe(HOST_ABI);
    expect(entry.instructionPointer).toBe(part.tracee.registers.pc);
    expect(entry.stackPointer).toBe(part.tracee.registers.sp);
    const left = await exit(part.tracee);
    expect(left.entry).toBe(entry);
    expect(left.isError).toBe(true);
    expect(left.errno).toBe(ERRNO.EINVAL);
    expect(left.result).toBe(-BigInt(ERRNO.EINVAL));
    expect(left.abi).toBe(HOST_ABI);
    expect(left.instructionPointer).toBe(entry.instructionPointer);
    // Both are used up or about to be, and stay readable.
    expect(entry.usedUp).toBe(true);
    part.tracee.resume();
    expect(left.usedUp).toBe(true);
    expect([left.result, left.errno, entry.name, entry.args[1]]).toEqual([-22n, 22, 'dup3', 0x1122334455n]);
  });

  it('gives its result as a value when it succeeds', async () => {
    const part = await held((s) => s.syscall('getpid').syscall('exit_group', 9));
    await entryOf(part.tracee, 'getpid', part.go('syscall'));
    const left = await exit(part.tracee);
    expect(left).toMatchObject({ isError: false, errno: 0, result: BigInt(part.started.pid) });
    const last = expectKind(await within(part.tracee.resume('syscall'), 'the last entry'), 'syscall-entry');
    expect(last.name).toBe('exit_group');
    expect(last.args[0]).toBe(9n);
    expect(expectKind(await within(part.tracee.resume('syscall'), 'the end'), 'exited').code).toBe(9);
  });

  it('that does not exist has a name all the same', async () => {
    const part = await held((s) => s.syscall(100_000, 3));
    const entry = await entryOf(part.tracee, 'syscall_100000', part.go('syscall'));
    expect(entry.number).toBe(100_000);
    expect(await exit(part.tracee)).toMatchObject({ isError: true, errno: ERRNO.ENOSYS, entry });
  });

  it('can be made another one, with other arguments', async () => {
    const part = await held((s) => s.syscall('dup3', 1, 2, 3).store('result').syscall('getppid').exitGroup(0));
    const entry = await entryOf(part.tracee, 'dup3', part.go('syscall'));
    entry.setNumber(nr('getpid'));
    await exit(part.tracee);
    await entryOf(part.tracee, 'getppid');
    expect(part.word('result')).toBe(BigInt(part.started.pid));
    await exit(part.tracee);
    const ending = await entryOf(part.tracee, 'exit_group');
    ending.setArg(0, 77);
    expect(() => ending.setArg(6, 0)).toThrow(RangeError);
    expect(() => ending.setArg(0, 'x' as never)).toThrow(TypeError);
    expect(expectKind(await within(part.tracee.resume(), 'the end'), 'exited').code).toBe(77);
  });

  it('can be skipped, and its result be made another one', async () => {
    const part = await held((s) =>
      s.syscall('getpid').store('skipped').syscall('getpid').store('faked').syscall('getpid').store('failed').pause(),
    );
    (await entryOf(part.tracee, 'getpid', part.go('syscall'))).skip();
    expect(await exit(part.tracee)).toMatchObject({ isError: true, errno: ERRNO.ENOSYS });
    (await entryOf(part.tracee, 'getpid')).skip();
    (await exit(part.tracee)).setResult(0x123456789an);
    await entryOf(part.tracee, 'getpid');
    const third = await exit(part.tracee);
    third.setResult(-ERRNO.EPERM);
    for (const value of ['x', undefined, 1.5, Symbol('s'), {}, 1n << 64n]) {
      let thrown: unknown;
      try {
        third.setResult(value as never);
      } catch (error) {
        thrown = error;
      }
      expect(thrown instanceof RangeError || thrown instanceof TypeError, String(thrown)).toBe(true);
    }
    await entryOf(part.tracee, X64 ? 'pause' : 'ppoll');
    expect(part.word('skipped')).toBe(BigInt.asUintN(64, -BigInt(ERRNO.ENOSYS)));
    expect(part.word('faked')).toBe(0x123456789an);
    expect(part.word('failed')).toBe(BigInt.asUintN(64, -BigInt(ERRNO.EPERM)));
  });

  it('that a signal interrupts shows its restart code', async () => {
    const { pid } = child(pauser());
    const tracee = await seizeOne(newTracer(), pid);
    expectKind(await within(tracee.interrupt(), 'the interrupt'), 'event-stop');
    await entryOf(tracee, X64 ? 'pause' : 'ppoll');
    tracee.resume('syscall');
    send(pid, 10);
    const left = expectKind(await within(tracee.wait(), 'the exit'), 'syscall-exit');
    expect(left.isError).toBe(true);
    expect(left.errno).toBe(514); // ERESTARTNOHAND
    expect(expectKind(await within(tracee.resume('syscall'), 'the signal'), 'signal-delivery').signal).toBe(10);
  });

  it('has no entry when the tracee was seized in it, or entered it in another mode', async () => {
    const { pid } = child(pauser());
    const tracee = await seizeOne(newTracer(), pid);
    expectKind(await within(tracee.interrupt(), 'the interrupt'), 'event-stop');
    // The interrupted call is entered again.
    expectKind(await within(tracee.resume('syscall'), 'the entry'), 'syscall-entry');
    // Not told: entered with cont.
    tracee.resume('cont');
    expectKind(await within(tracee.interrupt(), 'the interrupt'), 'event-stop');
    const next = expectKind(await within(tracee.resume('syscall'), 'the entry'), 'syscall-entry');
    expect(next.usedUp).toBe(false);

    const loop = child(script().loop((s) => s.nanosleep(5000)));
    const sleeper = await seizeOne(newTracer(), loop.pid);
    await within(sleeper.interrupt(), 'the interrupt');
    const stops: Stop['kind'][] = [];
    for (let count = 0; count < 4; count++) {
      const stop = await within(sleeper.resume('syscall'), 'a stop');
      stops.push(stop.kind);
      if (stop.kind === 'syscall-exit' && stops.length === 1) expect(stop.entry).toBeNull();
      if (stop.kind === 'syscall-entry') {
        sleeper.resume('cont');
        await within(sleeper.interrupt(), 'the interrupt');
        break;
      }
    }
    // Its exit comes with no entry that belongs to it: the one that was told was left with cont.
    const after = await within(sleeper.resume('syscall'), 'a stop');
    if (after.kind === 'syscall-exit') expect(after.entry).toBeNull();
  });
});

describe("resume('sysemu')", () => {
  it.skipIf(!X64)('stops at the entry and skips the call', async () => {
    const part = await held((s) => s.syscall('getpid').store('first').syscall('getpid').store('second').exitGroup(3));
    part.go('sysemu');
    let stop = await within(part.tracee.wait(), 'an entry');
    // The sleeping calls of the gate come first: emulated, they return at once.
    while (stop.kind !== 'syscall-entry' || stop.name !== 'getpid') {
      expect(stop.kind).toBe('syscall-entry');
      part.tracee.registers.result = 0;
      stop = await within(part.tracee.resume('sysemu'), 'an entry');
    }
    expect(part.tracee.registers.result).toBe(-BigInt(ERRNO.ENOSYS));
    part.tracee.registers.result = 4242;
    const second = expectKind(await within(part.tracee.resume('sysemu'), 'the second entry'), 'syscall-entry');
    expect(second.name).toBe('getpid');
    // No exit between them.
    const last = expectKind(await within(part.tracee.resume('sysemu'), 'the last entry'), 'syscall-entry');
    expect(last.name).toBe('exit_group');
    expect(part.word('first')).toBe(4242n);
    expect(part.word('second')).toBe(BigInt.asUintN(64, -BigInt(ERRNO.ENOSYS)));
  });
});

describe('entries and exits', () => {
  it('alternate for each of many threads, every exit linked to the entry before it', { timeout: 60_000 }, async () => {
    const tracer = newTracer({ resume: 'syscall' });
    const part = await held((s) => {
      s.loop((t) => t.thread((u) => u.getppidLoop(50).increment('done')), 8);
      s.waitUntil('done', '==', 8).exitGroup(0);
    }, tracer);
    part.go('syscall');
    const open = new Map<number, Stop>();
    const calls = new Map<number, number>();
    const stops = await within(
      collect(tracer, (stop) => {
        if (stop.kind === 'syscall-entry') {
          expect(open.has(stop.tid)).toBe(false);
          open.set(stop.tid, stop);
        } else if (stop.kind === 'syscall-exit') {
          expect(stop.entry).toBe(open.get(stop.tid) ?? null);
          open.delete(stop.tid);
          if (stop.entry?.name === 'getppid') {
            expect(stop.result).toBe(BigInt(process.pid));
            calls.set(stop.tid, (calls.get(stop.tid) ?? 0) + 1);
          }
        }
      }),
      'the end of the loop',
      50_000,
    );
    expect([...calls.values()]).toEqual(Array.from({ length: 8 }, () => 50));
    expect(stops.filter((stop) => stop.kind === 'clone')).toHaveLength(8);
    expect(stops.at(-1)).toMatchObject({ kind: 'exited', code: 0, tid: part.started.pid });
  });

  it('cost one PTRACE_GET_SYSCALL_INFO each and nothing else', async () => {
    const watched = watchedLayer();
    await onLayer(watched.layer, async () => {
      const tracer = newTracer();
      const part = await held((s) => s.getppidLoop(), tracer);
      await entryOf(part.tracee, 'getppid', part.go('syscall'));
      watched.forget();
      for (let round = 0; round < 10; round++) {
        const left = await exit(part.tracee);
        expect(left.result).toBe(BigInt(process.pid));
        expectKind(await within(part.tracee.resume('syscall'), 'the entry'), 'syscall-entry');
      }
      expect(watched.count(PTRACE.GET_SYSCALL_INFO)).toBe(20);
      expect(watched.count(PTRACE.SYSCALL)).toBe(20);
      expect(watched.requests).toHaveLength(40);
      await tracer.close();
    });
  });

  it('are for who asks while it is stopped only', async () => {
    const part = await held((s) => s.getppidLoop());
    const entry = await entryOf(part.tracee, 'getppid', part.go('syscall'));
    const left = await exit(part.tracee);
    await expectReason(() => entry.setNumber(1), 'used-up');
    await expectReason(() => entry.setArg(0, 1), 'used-up');
    await expectReason(() => entry.skip(), 'used-up');
    for (const number of [1.5, 'getpid', 1n, Number.NaN, 2 ** 31]) {
      await expectReason(() => part.tracee.setSyscallNumber(number as number), 'bad-input');
    }
    part.tracee.resume('cont');
    await expectReason(() => left.setResult(1), 'used-up');
    expect(result).toBeDefined();
  });
});
