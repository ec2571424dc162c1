import { describe, expect, it } from 'vitest';
import { AUDIT_ARCH } from '../../lib/kernel/audit-arch.js';
import { CLD } from '../../lib/kernel/wait-flags.js';
import { encodeSiginfo, FPE, ILL, POLL, SEGV, SI, SYS } from '../../lib/kernel/siginfo.js';
import { SIG, SIGRTMAX, SIGRTMIN, isStopSignal, signalName } from '../../lib/kernel/signals.js';
import { PTRACE } from '../../lib/kernel/requests.js';
import { result, script } from '../../lib/raw/child.js';
import { rtSigqueueinfo, tgkill } from '../../lib/raw/process.js';
import { type Tracee, type SignalDeliveryStop, type Stop } from '../../lib/tracer/index.js';
import {
  attachOne,
  child,
  expectGone,
  expectKind,
  expectReason,
  newTracer,
  pauser,
  seizeOne,
  send,
  statusOf,
  until,
  within,
} from '../helpers/tracing.js';
import { held, nr, paused, RET, onLayer, seccompFilter, runTo, watchedLayer } from './programs.js';

const ALL = Array.from({ length: SIGRTMAX }, (_, index) => index + 1).filter(
  (signal) => signal !== SIG.SIGKILL && signal !== SIG.SIGSTOP,
);

async function delivery(next: PromiseLike<Stop>, what = 'a signal'): Promise<SignalDeliveryStop> {
  return expectKind(await within(next, what), 'signal-delivery');
}

describe('every signal but SIGKILL and SIGSTOP', () => {
  it('is reported with sender and code when sent by kill(2), and suppressed on request', async () => {
    const pid = await paused();
    const tracee = await seizeOne(newTracer(), pid);
    for (const signal of ALL) {
      expect(send(pid, signal)).toBe(true);
      // SIGCONT is announced to each seized thread before it is delivered.
      if (signal === SIG.SIGCONT) expectKind(await within(tracee.wait(), 'the announcement'), 'event-stop').resume();
      const stop = await delivery(tracee.wait(), signalName(signal));
      expect(stop.signal).toBe(signal);
      expect(stop.signalName).toBe(signalName(signal));
      expect(stop.status).toBe((signal << 8) | 0x7f);
      expect(stop.siginfo).toMatchObject({ kind: 'user', signal, code: SI.USER, codeName: 'SI_USER', errno: 0 });
      expect(stop.siginfo).toMatchObject({ pid: process.pid, uid: process.getuid?.() });
      stop.suppress();
      expect(stop.usedUp).toBe(true);
      // Still readable.
      expect(stop.signal).toBe(signal);
      expect(stop.siginfo.signal).toBe(signal);
    }
    expect(tracee.state).toBe('running');
    expect(statusOf(pid)?.shdPnd).toBe(0n);
  });

  it('is reported with the value that came with it, real-time ones each time and in order', async () => {
    const { pid } = child(pauser());
    const tracee = await attachOne(newTracer(), pid);
    const queued: [signal: number, value: bigint][] = [];
    // Several of one real-time signal are all kept; of lower ones only the first.
    for (const signal of [SIGRTMIN, SIGRTMIN + 1, 40, SIGRTMAX]) {
      for (const value of [1n, 0xffff_ffff_ffff_ffffn, 0x8000_0000n]) queued.push([signal, value]);
    }
    for (const [signal, value] of [[SIG.SIGUSR1, 7n] as const, ...queued]) {
      rtSigqueueinfo(pid, signal, encodeSiginfo({ signal, code: SI.QUEUE, pid: process.pid, uid: 0, value }));
    }
    let next: PromiseLike<Stop> = tracee.resume();
    for (const [signal, value] of [[SIG.SIGUSR1, 7n] as const, ...queued]) {
      const stop = await delivery(next);
      expect(stop.siginfo).toEqual({
        kind: 'queue',
        signal,
        code: SI.QUEUE,
        codeName: 'SI_QUEUE',
        errno: 0,
        pid: process.pid,
        uid: 0,
        value,
        intValue: Number(BigInt.asIntN(32, value)),
      });
      next = tracee.resume('cont', { signal: 0 });
    }
  });

  it('sent to one thread is reported as such', async () => {
    const pid = await paused();
    const tracee = await seizeOne(newTracer(), pid);
    tgkill(pid, pid, SIG.SIGUSR2);
    const stop = await delivery(tracee.wait());
    expect(stop.siginfo).toMatchObject({ kind: 'user', code: SI.TKILL, codeName: 'SI_TKILL', pid: process.pid });
  });
});

describe('siginfo', () => {
  it('of a POSIX timer', async () => {
    const soon = new BigInt64Array([0n, 0n, 0n, 1_000_000n]);
    const { go, word } = await held((s) =>
      s
        .syscall('timer_create', 1, 0, s.address('timer'))
        .syscall('timer_settime', s.word('timer'), 0, new Uint8Array(soon.buffer), 0)
        .loop((t) => t.pause()),
    );
    const stop = await delivery(go());
    const id = Number(word('timer') & 0xffffffffn);
    expect(stop.signal).toBe(SIG.SIGALRM);
    expect(stop.siginfo).toMatchObject({ kind: 'timer', code: SI.TIMER, timerId: id, overrun: 0, intValue: id });
  });

  it('of a child that stopped, continued, was killed, ended', async () => {
    const { started, tracee, word, go } = await held(
      (s) =>
        s
          .fork((t) => t.killSelf(SIG.SIGSTOP).loop((u) => u.pause()))
          .store('first')
          .waitUntil('second go', '==', 1)
          .fork((t) => t.exitGroup(7))
          .loop((t) => t.pause()),
      { events: [] },
    );
    const expectChild = async (next: PromiseLike<Stop>, name: keyof typeof CLD, status: number): Promise<number> => {
      const stop = await delivery(next, name);
      expect(stop.signal).toBe(SIG.SIGCHLD);
      expect(stop.siginfo).toMatchObject({ kind: 'child', code: CLD[name], codeName: `CLD_${name}`, status, uid: 0 });
      if (stop.siginfo.kind !== 'child') throw new Error('unreachable');
      expect(stop.siginfo.utime).toBeGreaterThanOrEqual(0n);
      expect(stop.siginfo.stime).toBeGreaterThanOrEqual(0n);
      return stop.siginfo.pid;
    };
    const pid = await expectChild(go(), 'STOPPED', SIG.SIGSTOP);
    expect([0n, BigInt(pid)]).toContain(word('first'));
    send(pid, SIG.SIGCONT);
    expect(await expectChild(tracee.resume(), 'CONTINUED', SIG.SIGCONT)).toBe(pid);
    send(pid, SIG.SIGUSR1);
    expect(await expectChild(tracee.resume(), 'KILLED', SIG.SIGUSR1)).toBe(pid);
    tracee.resume();
    await until(() => word('first') === BigInt(pid), 'the child is known');
    tracee.memory.write(started.address('second go'), Uint8Array.of(1));
    expect(await expectChild(tracee.wait(), 'EXITED', 7)).not.toBe(pid);
  });

  it('of a fault: address and cause', async () => {
    const missing = await held((s) => s.fault(0x1230));
    const fault = await delivery(missing.go());
    expect(fault.signal).toBe(SIG.SIGSEGV);
    expect(fault.siginfo).toMatchObject({ kind: 'fault', code: SEGV.MAPERR, codeName: 'SEGV_MAPERR', addr: 0x1230n });
    expectKind(await within(fault.resume(), 'its end'), 'killed');

    // mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS)
    const forbidden = await held((s) =>
      s.syscall('mmap', 0, 4096, 0, 0x22, -1, 0).store('page').storeAt(s.word('page'), 1, 8),
    );
    const denied = await delivery(forbidden.go());
    const page = forbidden.word('page');
    expect(denied.siginfo).toMatchObject({ kind: 'fault', code: SEGV.ACCERR, codeName: 'SEGV_ACCERR', addr: page });

    const illegal = await held((s) => s.illegal());
    const wrong = await delivery(illegal.go());
    expect(wrong.signal).toBe(SIG.SIGILL);
    const codeName = process.arch === 'x64' ? 'ILL_ILLOPN' : 'ILL_ILLOPC';
    expect(wrong.siginfo).toMatchObject({ kind: 'fault', codeName, addr: illegal.started.illegal });
    expect([ILL.ILLOPC, ILL.ILLOPN]).toEqual([1, 2]);
  });

  it.skipIf(process.arch !== 'x64')('of a division by zero (arm64 has no fault for it)', async () => {
    const { tracee, started, go } = await held((s) => s.nops());
    // xor ecx, ecx; div ecx
    tracee.memory.write(started.nops, Uint8Array.of(0x31, 0xc9, 0xf7, 0xf1));
    const stop = await delivery(go());
    expect(stop.signal).toBe(SIG.SIGFPE);
    expect(stop.siginfo).toMatchObject({ kind: 'fault', code: FPE.INTDIV, addr: started.nops + 2n });
  });

  it('of a seccomp filter that traps', async () => {
    const { tracee, go } = await held((s) =>
      s.seccompFilter(seccompFilter({ getppid: RET.trap(77) })).syscall('getppid'),
    );
    const stop = await delivery(go());
    expect(stop.signal).toBe(SIG.SIGSYS);
    expect(stop.siginfo).toMatchObject({
      kind: 'sys',
      code: SYS.SECCOMP,
      codeName: 'SYS_SECCOMP',
      errno: 77,
      syscall: nr('getppid'),
      arch: process.arch === 'x64' ? AUDIT_ARCH.X86_64 : AUDIT_ARCH.AARCH64,
      callAddr: tracee.registers.pc,
    });
  });

  it('of input on a descriptor', async () => {
    const { word, go } = await held((s) =>
      s
        .pipe('p')
        .syscall('getpid')
        .store('self')
        .syscall('fcntl', s.pipeEnd('p', 'read'), 8, s.word('self')) // F_SETOWN
        .syscall('fcntl', s.pipeEnd('p', 'read'), 10, SIGRTMIN + 3) // F_SETSIG
        .syscall('fcntl', s.pipeEnd('p', 'read'), 4, 0o20000) // F_SETFL, O_ASYNC
        .write(s.pipeEnd('p', 'write'), 'x')
        .loop((forEver) => forEver.pause()),
    );
    const stop = await delivery(go());
    const fd = Number(word('p') & 0xffffffffn);
    expect(stop.signal).toBe(SIGRTMIN + 3);
    expect(stop.siginfo).toMatchObject({ kind: 'poll', code: POLL.IN, codeName: 'POLL_IN', fd, band: 0x41n });
  });

  it('can be asked for at the stop, and only there', async () => {
    const pid = await paused();
    const tracee = await seizeOne(newTracer(), pid);
    await expectReason(() => tracee.siginfo(), 'running');
    send(pid, SIG.SIGUSR1);
    const stop = await delivery(tracee.wait());
    expect(tracee.siginfo()).toEqual(stop.siginfo);
    stop.suppress();
    expect(expectKind(await within(tracee.interrupt(), 'the interrupt'), 'event-stop').cause).toBe('interrupt');
    expect(tracee.siginfo()).toMatchObject({ kind: 'ptrace-event', event: 128, pid });
  });
});

describe('at a signal-delivery-stop', () => {
  const counting = (): ReturnType<typeof script> =>
    script()
      .handle('SIGUSR1', (s) => s.increment('usr1').store('got', SIG.SIGUSR1))
      .handle('SIGUSR2', (s) => s.increment('usr2').store('got', SIG.SIGUSR2))
      .handle(SIGRTMIN + 5, (s) => s.increment('rt'))
      .loop((s) => s.pause());
  const number = (tracee: Tracee, address: bigint): number =>
    Number(Buffer.from(tracee.memory.read(address, 8).bytes).readBigUInt64LE());

  it('a plain resume delivers the signal, suppress() none, {signal} another', async () => {
    const started = child(counting());
    const pid = await paused(started);
    const tracee = await seizeOne(newTracer(), pid);
    const counts = (): number[] => ['usr1', 'usr2', 'rt'].map((name) => number(tracee, started.address(name)));
    const settled = async (...wanted: number[]): Promise<void> => {
      await until(
        () => String(counts()) === String(wanted),
        () => `handlers ran ${String(wanted)} times, not ${String(counts())}`,
      );
    };

    send(pid, SIG.SIGUSR1);
    (await delivery(tracee.wait())).resume();
    await settled(1, 0, 0);

    send(pid, SIG.SIGUSR1);
    (await delivery(tracee.wait())).suppress();
    await settled(1, 0, 0);

    send(pid, SIG.SIGUSR1);
    (await delivery(tracee.wait())).resume('cont', { signal: 'SIGUSR2' });
    await settled(1, 1, 0);

    send(pid, SIG.SIGUSR1);
    (await delivery(tracee.wait())).resume('cont', { signal: 'SIGRTMIN+5' });
    await settled(1, 1, 1);

    send(pid, SIG.SIGUSR1);
    await delivery(tracee.wait());
    tracee.resume('cont', { signal: SIG.SIGUSR2 });
    await settled(1, 2, 1);

    send(pid, SIG.SIGUSR1);
    const last = await delivery(tracee.wait());
    expect(expectKind(await within(last.resume('cont', { signal: 'SIGTERM' }), 'its end'), 'killed').signal).toBe(15);
    await expectGone(pid);
  });

  it('a signal that is replaced by a stop signal stops the group', async () => {
    const pid = await paused();
    const tracee = await seizeOne(newTracer(), pid);
    send(pid, SIG.SIGUSR1);
    const stop = await delivery(tracee.wait());
    const group = expectKind(await within(stop.resume('cont', { signal: 'SIGTSTP' }), 'the group-stop'), 'group-stop');
    expect(group.signal).toBe(SIG.SIGTSTP);
    expect(group.signalName).toBe('SIGTSTP');
    expect(group.status).toBe((128 << 16) | (SIG.SIGTSTP << 8) | 0x7f);
  });

  it('a blocked signal is not reported until it is unblocked, and an ignored one is reported', async () => {
    const started = child(
      script()
        .block('SIGUSR1')
        .ignore('SIGUSR2')
        .store('ready', 1)
        .waitUntil('go', '==', 1)
        .unblock('SIGUSR1')
        .loop((s) => s.pause()),
    );
    const tracee = await seizeOne(newTracer(), started.pid);
    while (number(tracee, started.address('ready')) === 0) await new Promise((resolve) => setImmediate(resolve));
    send(started.pid, SIG.SIGUSR1);
    send(started.pid, SIG.SIGUSR2);
    const ignored = await delivery(tracee.wait());
    expect(ignored.signal).toBe(SIG.SIGUSR2);
    expect(statusOf(started.pid)?.shdPnd).toBe(1n << 9n);
    tracee.memory.write(started.address('go'), Uint8Array.of(1));
    expect((await delivery(ignored.resume())).signal).toBe(SIG.SIGUSR1);
  });

  it('a handler runs on the signal it was given', async () => {
    const started = child(counting());
    await paused(started);
    const tracee = await seizeOne(newTracer(), started.pid);
    send(started.pid, SIG.SIGWINCH);
    const step = await (await delivery(tracee.wait())).resume('step', { signal: 'SIGUSR1' });
    expect(expectKind(step, 'step').cause).toBe('handler');
    // Register 0 of the script's handler is the signal's number, which the machine gets as first argument.
    expect(tracee.registers.get(process.arch === 'x64' ? 'rdi' : 'x0') & 0xffffffffn).toBe(BigInt(SIG.SIGUSR1));
    expect(result).toBeDefined();
  });
});

describe('where the kernel takes no signal', () => {
  it('a signal is refused before anything is asked of the kernel', async () => {
    const watched = watchedLayer();
    await onLayer(watched.layer, async () => {
      const { tracer, tracee, go } = await held((s) => s.loop((t) => t.nanosleep(1)), { events: ['exit', 'exec'] });
      const { pid } = tracee;
      watched.forget();
      go();
      const refuse = async (): Promise<void> => {
        const { stop } = tracee;
        if (stop === null) throw new Error('not stopped');
        watched.forget();
        for (const mode of ['cont', 'syscall', 'step'] as const) {
          const error = await expectReason(() => tracee.resume(mode, { signal: 'SIGUSR1' }), 'bad-input');
          expect(error.message).toContain(`SIGUSR1 cannot be injected at a ${stop.kind} stop`);
          expect(error.message).toContain('Send it with kill instead');
          // The same past the types.
          const loose = stop as unknown as { resume(mode: string, options: unknown): unknown };
          await expectReason(() => loose.resume(mode, { signal: 10 }), 'bad-input');
        }
        expect(watched.requests).toEqual([]);
        expect(stop.usedUp).toBe(false);
      };

      expectKind(await within(tracee.interrupt(), 'the interrupt'), 'event-stop');
      await refuse();
      // No signal is no injection.
      tracee.resume('syscall', { signal: 0 });
      if ((await within(tracee.wait(), 'an entry or exit')).kind === 'syscall-entry') {
        expectKind(await within(tracee.resume('syscall'), 'an exit'), 'syscall-exit');
      }
      await refuse();
      expectKind(await within(tracee.resume('syscall'), 'an entry'), 'syscall-entry');
      await refuse();
      send(pid, SIG.SIGSTOP);
      expectKind(await within(tracee.resume('syscall'), 'an exit'), 'syscall-exit');
      expectKind(await within(tracee.resume(), 'the SIGSTOP'), 'signal-delivery');
      expectKind(await within(tracee.resume(), 'the group-stop'), 'group-stop');
      await refuse();
      send(pid, SIG.SIGCONT);
      expectKind(await within(tracee.listen(), 'the SIGCONT'), 'event-stop');
      await refuse();
      await runTo(tracee, 'signal-delivery', 'step');
      await runTo(tracee, 'step', 'step');
      await refuse();
      send(pid, SIG.SIGTERM);
      expect(expectKind(await within(tracee.resume(), 'the SIGTERM'), 'signal-delivery').signal).toBe(SIG.SIGTERM);
      expectKind(await within(tracee.resume(), 'the exit-stop'), 'exit');
      await refuse();
      await within(tracer.close(), 'the tracer closes');
      expect(watched.count(PTRACE.SEIZE)).toBe(0);
    });
  });

  it('a signal that is none is refused everywhere', async () => {
    const pid = await paused();
    const tracee = await seizeOne(newTracer(), pid);
    send(pid, SIG.SIGUSR1);
    const stop = await delivery(tracee.wait());
    for (const signal of [-1, 65, 1.5, Number.NaN, 'SIGNONE', 'sigterm', '', null, {}, 10n] as never[]) {
      await expectReason(() => stop.resume('cont', { signal }), 'bad-input');
      await expectReason(tracee.detach({ signal }), 'bad-input');
    }
    await expectReason(() => stop.resume('cont', { sig: 10 } as never), 'bad-input');
    expect(stop.usedUp).toBe(false);
    expect(isStopSignal(stop.signal)).toBe(false);
  });
});
