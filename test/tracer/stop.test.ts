import { describe, expect, it } from 'vitest';
import { encodeHwDebugState, encodeHwWatchpoint, HW_SLOT_OFF } from '../../lib/kernel/arch/arm64/debug-registers.js';
import { encodeDr7 } from '../../lib/kernel/arch/x64/debug-registers.js';
import { PTRACE_EVENT } from '../../lib/kernel/events.js';
import { NT } from '../../lib/kernel/regsets.js';
import { SIG } from '../../lib/kernel/signals.js';
import { script } from '../../lib/raw/child.js';
import { pokeUser } from '../../lib/raw/memory.js';
import { setRegset } from '../../lib/raw/registers.js';
import { RLIMIT } from '../../lib/raw/spawn.js';
import { isEnd, type PtraceStop, type Stop } from '../../lib/tracer/index.js';
import { limit } from '../helpers/scale.js';
import {
  attachOne,
  child,
  describeStop,
  expectEnd,
  expectKind,
  expectReason,
  newTracer,
  pauser,
  seizeOne,
  send,
  turns,
  within,
} from '../helpers/tracing.js';
import { held, paused, RET, seccompFilter } from './programs.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const X64 = process.arch === 'x64';

/** Where each kind of stop can be met: a program that comes to it, and how it is to be run. */
async function stopsOfAllKinds(): Promise<Map<Stop['kind'], Stop[]>> {
  const tracer = newTracer({
    events: ['fork', 'vfork', 'vfork-done', 'clone', 'exec', 'exit', 'seccomp'],
    resume: 'syscall',
  });
  const part = await held(
    (s) =>
      s
        .fork((t) => t.exitGroup(1))
        .wait4()
        .vfork((t) => t.exit(2))
        .wait4()
        .thread((t) => t.increment('ran').exit(0))
        .waitUntil('ran', '==', 1)
        .store('watched', 1)
        .trap()
        .fork((t) => t.killSelf('SIGKILL'))
        .wait4()
        .handle('SIGUSR1', (h) => h.increment('handled'))
        .tgkillSelf('SIGUSR1')
        .tgkillSelf('SIGSTOP')
        .seccompFilter(seccompFilter({ getuid: RET.trace(5) }))
        .syscall('getuid')
        .exec('/bin/true'),
    tracer,
  );
  const address = part.started.address('watched');
  if (X64) {
    pokeUser(part.tracee.tid, 848, address);
    pokeUser(part.tracee.tid, 848 + 56, encodeDr7([{ slot: 0, access: 'write', length: 8 }]));
  } else {
    const slot = encodeHwWatchpoint({ address, length: 8, access: 'write' });
    setRegset(part.tracee.tid, NT.ARM_HW_WATCH, encodeHwDebugState([slot]));
  }
  const kinds = new Map<Stop['kind'], Stop[]>();
  part.go('syscall');
  for await (const stop of tracer) {
    const seen = kinds.get(stop.kind) ?? [];
    seen.push(stop);
    kinds.set(stop.kind, seen);
    if (stop.kind === 'group-stop') send(part.started.pid, SIG.SIGCONT);
    if (stop.kind === 'breakpoint') {
      if (!X64) stop.tracee.registers.pc += 4n;
      stop.resume('step');
    } else if (stop.kind === 'watchpoint') {
      // On arm64 the stop is in front of the access, which would be met again.
      if (!X64) setRegset(stop.tid, NT.ARM_HW_WATCH, encodeHwDebugState([HW_SLOT_OFF]));
      stop.resume('syscall');
    }
  }
  return kinds;
}

describe('a stop', () => {
  it(
    'has a kind of its own and the fields of that kind, and stays readable for ever',
    { timeout: limit(30_000) },
    async () => {
      const kinds = await within(stopsOfAllKinds(), 'all stops', 20_000);
      const expected: Stop['kind'][] = [
        'syscall-entry',
        'syscall-exit',
        'seccomp',
        'signal-delivery',
        'group-stop',
        'event-stop',
        'fork',
        'vfork',
        'vfork-done',
        'clone',
        'exec',
        'exit',
        'step',
        'breakpoint',
        'watchpoint',
        'exited',
        'killed',
      ];
      expect([...kinds.keys()].sort()).toEqual(expected.sort());
      // All of them are used up long since.
      for (const stop of [...kinds.values()].flat()) {
        expect(stop.tid).toBeGreaterThan(0);
        expect(stop.tracee).toBeDefined();
        expect(typeof stop.status).toBe('number');
        if (isEnd(stop)) continue;
        expect(stop.usedUp, describeStop(stop)).toBe(true);
        expect(stop.held).toBe(false);
        expect(stop.status & 0xff).toBe(0x7f);
        await expectUsedUp(stop);
      }
      const one = <K extends Stop['kind']>(kind: K): Extract<Stop, { kind: K }> =>
        (kinds.get(kind)?.[0] ?? expect.fail(`no ${kind}`)) as Extract<Stop, { kind: K }>;
      expect(one('syscall-entry')).toMatchObject({ status: 0x857f, args: { length: 6 } });
      expect(one('syscall-exit').status).toBe(0x857f);
      expect(one('seccomp')).toMatchObject({ name: 'getuid', data: 5, status: (PTRACE_EVENT.SECCOMP << 16) | 0x57f });
      expect(one('group-stop')).toMatchObject({ signal: SIG.SIGSTOP, signalName: 'SIGSTOP' });
      expect(one('fork').child.pid).not.toBe(one('fork').tracee.pid);
      expect(one('vfork-done').childPid).toBe(one('vfork').child.pid);
      expect(one('clone').child.pid).toBe(one('clone').tracee.pid);
      expect(one('exec').formerTid).toBe(one('exec').tid);
      expect(one('exit').status).toBe((PTRACE_EVENT.EXIT << 16) | 0x57f);
      expect(one('step')).toMatchObject({
        signal: SIG.SIGTRAP,
        cause: expect.stringMatching(/instruction|syscall|handler/) as string,
      });
      expect(one('breakpoint')).toMatchObject({ signal: SIG.SIGTRAP, hardware: false });
      expect(one('watchpoint').signalName).toBe('SIGTRAP');
      expect(one('killed')).toMatchObject({ signal: SIG.SIGKILL, signalName: 'SIGKILL', coreDumped: false, status: 9 });
      expect((kinds.get('exited') ?? []).map((end) => end.kind === 'exited' && end.code).sort()).toEqual([0, 0, 1, 2]);
    },
  );

  it('of exit tells the status to come', async () => {
    for (const [part, exitStatus] of [
      [script().waitUntil('go', '!=', 0).exitGroup(42), 42 << 8],
      [script().waitUntil('go', '!=', 0).tgkillSelf('SIGTERM').pause(), SIG.SIGTERM],
    ] as const) {
      const started = child(part);
      const tracee = await attachOne(newTracer({ events: ['exit'] }), started.pid);
      tracee.memory.write(started.address('go'), Uint8Array.of(1));
      let stop: Stop = await within(tracee.resume(), 'a stop');
      if (stop.kind === 'signal-delivery') stop = await within(stop.resume(), 'the exit-stop');
      const exit = expectKind(stop, 'exit');
      expect(exit.exitStatus).toBe(exitStatus);
      expect(tracee.registers.pc).toBeGreaterThan(0n);
      const end = expectEnd(await within(exit.resume(), 'the end'));
      expect(end.status).toBe(exitStatus);
      expect(exit.exitStatus).toBe(exitStatus);
    }
  });

  it('of exit outlives SIGKILL, and its resume gives the end', async () => {
    const part = await held((s) => s.exitGroup(1), { events: ['exit'] });
    const exit = expectKind(await within(part.go(), 'the exit-stop'), 'exit');
    send(part.started.pid, SIG.SIGKILL);
    await turns(5);
    expect(exit.usedUp).toBe(false);
    expectEnd(await within(exit.resume(), 'the end'));
  });
});

describe('an end', () => {
  it('by exit has its code, by a signal the signal', async () => {
    for (const code of [0, 1, 127, 255]) {
      const { go } = await held((s) => s.exitGroup(code));
      const end = expectKind(await within(go(), 'the end'), 'exited');
      expect(end).toMatchObject({ code, cause: 'exit', status: code << 8 });
      expect(isEnd(end)).toBe(true);
      expect('resume' in end).toBe(false);
    }
    for (const signal of [SIG.SIGHUP, SIG.SIGKILL, SIG.SIGTERM, SIG.SIGVTALRM, 34, 64]) {
      const tracee = await seizeOne(newTracer(), await paused());
      send(tracee.pid, signal);
      let stop: Stop = await within(tracee.wait(), 'a stop');
      if (stop.kind === 'signal-delivery') stop = await within(stop.resume(), 'the end');
      expect(expectKind(stop, 'killed')).toMatchObject({ signal, coreDumped: false });
      expect(stop.tid).toBe(tracee.tid);
    }
  });

  it('with a core dump says so', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'linux-ptrace-'));
    try {
      for (const [soft, dumped] of [
        [0, false],
        [1 << 26, true],
      ] as const) {
        const tracer = newTracer({ events: [] });
        const tracee = await tracer.spawn('/bin/sh', ['-c', 'kill -ABRT $$'], {
          stdio: 'null',
          cwd: folder,
          resourceLimits: [{ resource: RLIMIT.CORE, soft, hard: 1 << 26 }],
        });
        let last: Stop | undefined;
        for await (const stop of tracer) last = stop;
        const end = expectKind(last!, 'killed');
        expect(end.signalName).toBe('SIGABRT');
        expect(end.tracee).toBe(tracee);
        if (dumped && !end.coreDumped)
          console.log('core dumps: this machine makes none (core_pattern), only their absence was seen');
        else expect(end.coreDumped).toBe(dumped);
        expect(end.status & 0x7f).toBe(SIG.SIGABRT);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('a used-up stop', () => {
  it('is told by usedUp, from the moment of the resume', async () => {
    const tracee = await attachOne(newTracer(), child(pauser()).pid);
    const stop = tracee.stop!;
    expect(stop.usedUp).toBe(false);
    stop.resume();
    expect(stop.usedUp).toBe(true);
    const next = await within(tracee.interrupt(), 'the interrupt');
    expect(next).not.toBe(stop);
    expect(stop.usedUp).toBe(true);
    expect(expectKind(next, 'event-stop').usedUp).toBe(false);
    const error = await expectReason(() => stop.resume(), 'used-up');
    expect(error.message).toContain('use the stop that followed');
    expect(error.tid).toBe(tracee.tid);
    expect(error.errno).toBe(0);
    // The stop that followed is not touched by that.
    expect(tracee.stop).toBe(next);
  });

  it('by a detach or the end is used up as well', async () => {
    const tracer = newTracer();
    const tracee = await attachOne(tracer, child(pauser()).pid);
    const stop = tracee.stop!;
    await stop.detach();
    expect(stop.usedUp).toBe(true);
    await expectUsedUp(stop);
    const other = await attachOne(tracer, child(pauser()).pid);
    const second = other.stop!;
    await within(other.kill(), 'the end');
    await expectUsedUp(second);
  });
});

/** Every operation of a used-up stop says that it is. */
async function expectUsedUp(stop: PtraceStop): Promise<void> {
  await expectReason(() => stop.resume(), 'used-up');
  await expectReason(() => stop.resume('syscall'), 'used-up');
  await expectReason(() => stop.detach(), 'used-up');
  if ('listen' in stop) await expectReason(() => stop.listen(), 'used-up');
  if ('suppress' in stop) await expectReason(() => stop.suppress(), 'used-up');
  if ('skip' in stop) {
    await expectReason(() => stop.skip(), 'used-up');
    await expectReason(() => stop.setArg(0, 1), 'used-up');
    await expectReason(() => stop.setNumber(1), 'used-up');
  }
  if ('setResult' in stop) await expectReason(() => stop.setResult(0), 'used-up');
}
