import { describe, expect, it } from 'vitest';
import { AUDIT_ARCH } from '../../lib/kernel/audit-arch.js';
import { ERRNO } from '../../lib/kernel/errno.js';
import { SIG } from '../../lib/kernel/signals.js';
import { type SeccompStop, type Stop } from '../../lib/tracer/index.js';
import { expectEnd, expectKind, expectReason, newTracer, within } from '../helpers/tracing.js';
import { collect, held, nr, RET, runTo, seccompFilter } from './programs.js';

const X64 = process.arch === 'x64';

async function seccomp(next: PromiseLike<Stop>): Promise<SeccompStop> {
  return expectKind(await within(next, 'the seccomp stop'), 'seccomp');
}

const traced = seccompFilter({ getppid: RET.trace(0xabcd), getuid: RET.trace(1), dup3: RET.trace(0) });

describe('a filter that says SECCOMP_RET_TRACE', () => {
  it('stops the tracee with the call and the data of the verdict', async () => {
    const part = await held(
      (s) => s.seccompFilter(traced).syscall('dup3', 1, 2, 3, 4, 5, 6).syscall('getppid').exitGroup(0),
      {
        events: ['seccomp'],
      },
    );
    const stop = await seccomp(part.go());
    expect(stop).toMatchObject({
      number: nr('dup3'),
      name: 'dup3',
      args: [1n, 2n, 3n, 4n, 5n, 6n],
      data: 0,
      arch: X64 ? AUDIT_ARCH.X86_64 : AUDIT_ARCH.AARCH64,
      abi: X64 ? 'x86_64' : 'aarch64',
      status: (7 << 16) | 0x057f,
      tid: part.started.pid,
    });
    expect(stop.arg(2)).toBe(3n);
    expect(stop.instructionPointer).toBe(part.tracee.registers.pc);
    const second = await seccomp(stop.resume());
    expect([second.name, second.data]).toEqual(['getppid', 0xabcd]);
    expect(stop.usedUp).toBe(true);
    expect([stop.name, stop.data, stop.args[5]]).toEqual(['dup3', 0, 6n]);
    expect(expectKind(await within(second.resume(), 'the end'), 'exited').code).toBe(0);
  });

  it('comes before the entry of the same call, when that is asked for', async () => {
    const part = await held((s) => s.seccompFilter(traced).syscall('getppid').exitGroup(0), { events: ['seccomp'] });
    const stop = await seccomp(part.go());
    const entry = expectKind(await within(stop.resume('syscall'), 'the entry or exit'), 'syscall-exit');
    expect(entry.result).toBe(BigInt(process.pid));
  });

  it('lets the tracer skip the call, change it, or set its result', async () => {
    const part = await held(
      (s) =>
        s
          .seccompFilter(traced)
          .syscall('getppid')
          .store('skipped')
          .syscall('getppid')
          .store('changed')
          .syscall('getuid')
          .store('answered')
          .exitGroup(0),
      { events: ['seccomp'] },
    );
    const first = await seccomp(part.go());
    first.skip();
    const second = await seccomp(first.resume());
    second.setNumber(nr('getpid'));
    const third = await seccomp(second.resume());
    expect(part.word('skipped')).toBe(BigInt.asUintN(64, -BigInt(ERRNO.ENOSYS)));
    expect(part.word('changed')).toBe(BigInt(part.started.pid));
    third.skip();
    const left = expectKind(await within(third.resume('syscall'), 'the exit'), 'syscall-exit');
    left.setResult(31337);
    await runTo(part.tracee, 'syscall-entry', 'syscall');
    expect(part.word('answered')).toBe(31337n);
    await expectReason(() => third.skip(), 'used-up');
  });

  it('answers ENOSYS when the tracer did not ask for the event', async () => {
    const part = await held((s) => s.seccompFilter(traced).syscall('getppid').store('result').trap());
    const stop = await within(part.go(), 'the trap');
    expect(stop.kind).toBe('breakpoint');
    expect(part.word('result')).toBe(BigInt.asUintN(64, -BigInt(ERRNO.ENOSYS)));
  });
});

describe('other verdicts', () => {
  it('kill with SIGSYS, and give errors', async () => {
    const part = await held(
      (s) =>
        s
          .seccompFilter(seccompFilter({ getppid: RET.errno(77), getuid: RET.KILL_PROCESS }))
          .syscall('getppid')
          .store('result')
          .trap()
          .syscall('getuid')
          .exitGroup(0),
      { events: ['seccomp'] },
    );
    const stop = expectKind(await within(part.go(), 'the trap'), 'breakpoint');
    expect(part.word('result')).toBe(BigInt.asUintN(64, -77n));
    if (!X64) part.tracee.registers.pc += 4n;
    const end = expectEnd(await within(stop.resume(), 'the end'));
    expect(end).toMatchObject({ kind: 'killed', signal: SIG.SIGSYS, signalName: 'SIGSYS' });
  });

  it('are suspended for a tracee of a tracer that asks for that', async () => {
    const part = await held(
      (s) =>
        s
          .seccompFilter(seccompFilter({ getppid: RET.errno(77) }))
          .syscall('getppid')
          .store('result')
          .trap(),
      { suspendSeccomp: true },
    );
    expectKind(await within(part.go(), 'the trap'), 'breakpoint');
    expect(part.word('result')).toBe(BigInt(process.pid));
  });
});

describe('spawn with a filter', () => {
  it('traces the calls of a real program', async () => {
    const tracer = newTracer({ events: ['seccomp'] });
    const tracee = await tracer.spawn('/bin/sh', ['-c', 'cd /; cd /usr; exit 4'], {
      seccomp: seccompFilter({ chdir: RET.trace(42) }),
      noNewPrivs: true,
      stdio: 'null',
    });
    const paths: string[] = [];
    const stops = await within(
      collect(tracer, (stop) => {
        if (stop.kind === 'seccomp') paths.push(stop.tracee.memory.readCString(stop.arg(0)).text);
      }),
      'the end',
    );
    expect(paths).toEqual(['/', '/usr']);
    expect(stops.filter((stop) => stop.kind === 'seccomp').map((stop) => stop.data)).toEqual([42, 42]);
    expect(stops.at(-1)).toMatchObject({ kind: 'exited', code: 4, tid: tracee.pid });
  });

  it('that traces execve itself still starts the program in its exec stop', async () => {
    const tracer = newTracer({ events: ['seccomp'] });
    const tracee = await tracer.spawn('/bin/true', [], {
      seccomp: seccompFilter({ execve: RET.trace(1), exit_group: RET.trace(2) }),
      noNewPrivs: true,
      stdio: 'null',
    });
    expect(tracee.stop?.kind).toBe('exec');
    const stop = await seccomp(tracee.resume());
    expect([stop.name, stop.data]).toEqual(['exit_group', 2]);
    expect(expectKind(await within(stop.resume(), 'the end'), 'exited').code).toBe(0);
  });
});
