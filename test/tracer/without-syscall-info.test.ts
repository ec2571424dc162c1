/**
 * System-call stops on a kernel without PTRACE_GET_SYSCALL_INFO (before Linux 5.3): entry and exit are told apart by turns, and what they
 * say comes from the registers. Once refused, the request is never made again in this process: hence a file of its own.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AUDIT_ARCH } from '../../lib/kernel/audit-arch.js';
import { ERRNO } from '../../lib/kernel/errno.js';
import { PTRACE } from '../../lib/kernel/requests.js';
import {
  isEnd,
  type PtraceStop,
  type ResumeMode,
  type Stop,
  type SyscallEntryStop,
  Tracer,
} from '../../lib/tracer/index.js';
import { useKernelLayer } from '../../lib/raw/kernel-layer.js';
import { describeStop, expectKind, within } from '../helpers/tracing.js';
import { held, type HeldPart, nr, RET, runTo, seccompFilter, watchedLayer, passTrap } from './programs.js';

const old = watchedLayer((request) => (request === PTRACE.GET_SYSCALL_INFO ? -ERRNO.EIO : undefined));

beforeAll(() => {
  useKernelLayer(old.layer);
});
afterAll(() => {
  useKernelLayer(undefined);
});

const X64 = process.arch === 'x64';
const ARCH = X64 ? AUDIT_ARCH.X86_64 : AUDIT_ARCH.AARCH64;

/** The entry-stop of a call, after those of the wait at the gate. */
async function first(part: HeldPart, name: string): Promise<SyscallEntryStop> {
  const seen: string[] = [];
  let stop: Stop = await within(part.go('syscall'), 'the first stop');
  for (;;) {
    if (stop.kind === 'syscall-entry' && stop.name === name) return stop;
    seen.push(describeStop(stop));
    if (isEnd(stop)) throw new Error(`no ${name} but ${seen.join(', ')}`);
    stop = await within(stop.resume('syscall'), () => `${name} after ${seen.join(', ')}`);
  }
}

describe('without PTRACE_GET_SYSCALL_INFO', () => {
  it('tells entry and exit by turns, with number, arguments and result', async () => {
    const part = await held((s) => s.syscall('getppid').syscall('dup3', -1, 2, 3, 4, 5, 6).exitGroup(3));
    const entry = await first(part, 'getppid');
    expect([entry.number, entry.arch, entry.tid]).toEqual([nr('getppid'), ARCH, part.started.pid]);
    expect(entry.instructionPointer).toBe(part.tracee.registers.pc);
    expect(entry.stackPointer).toBe(part.tracee.registers.sp);
    const done = expectKind(await within(entry.resume('syscall'), 'its exit'), 'syscall-exit');
    expect([done.result, done.isError, done.errno, done.arch]).toEqual([BigInt(process.pid), false, 0, ARCH]);
    expect(done.entry === entry).toBe(true);
    const second = expectKind(await within(done.resume('syscall'), 'the second entry'), 'syscall-entry');
    expect(second.name).toBe('dup3');
    expect(second.args.map((arg) => BigInt.asIntN(64, arg))).toEqual([-1n, 2n, 3n, 4n, 5n, 6n]);
    const failed = expectKind(await within(second.resume('syscall'), 'the second exit'), 'syscall-exit');
    expect(failed.isError).toBe(true);
    expect([ERRNO.EBADF, ERRNO.EINVAL]).toContain(failed.errno);
    expect(failed.result).toBe(BigInt(-failed.errno));
    const last = expectKind(await within(failed.resume('syscall'), 'exit_group'), 'syscall-entry');
    expect([last.name, last.args[0]]).toEqual(['exit_group', 3n]);
    expect(expectKind(await within(last.resume('syscall'), 'the end'), 'exited').code).toBe(3);
  });

  it('asks the kernel once, not at every stop', () => {
    expect(old.count(PTRACE.GET_SYSCALL_INFO)).toBe(1);
  });

  it('changes numbers, arguments and results as everywhere', async () => {
    const part = await held((s) => s.syscall('getuid').store('a').syscall('getppid').store('b').exitGroup(0));
    const skipped = await first(part, 'getuid');
    skipped.skip();
    const done = expectKind(await within(skipped.resume('syscall'), 'its exit'), 'syscall-exit');
    done.setResult(-ERRNO.EPERM);
    const changed = expectKind(await within(done.resume('syscall'), 'getppid'), 'syscall-entry');
    changed.setNumber(nr('getpid'));
    const exit = expectKind(await within(changed.resume('syscall'), 'the exit'), 'syscall-exit');
    expect(exit.result).toBe(BigInt(part.started.pid));
    expectKind(await within(exit.resume('syscall'), 'exit_group'), 'syscall-entry');
    expect(BigInt.asIntN(64, part.word('a'))).toBe(BigInt(-ERRNO.EPERM));
    expect(part.word('b')).toBe(BigInt(part.started.pid));
  });

  it('keeps its turns over a signal, a clone event and an interrupt inside calls', async () => {
    const part = await held((s) =>
      s
        .handle('SIGUSR1', (h) => h.syscall('getuid'))
        .thread((t) => t.exit(0))
        .tgkillSelf('SIGUSR1')
        .syscall('getppid')
        .exitGroup(0),
    );
    const calls: string[] = [];
    let stop = await within(part.go('syscall'), 'the first stop');
    while (!isEnd(stop)) {
      if (stop.tracee === part.tracee) {
        if (stop.kind === 'syscall-entry') calls.push(`+${stop.name}`);
        if (stop.kind === 'syscall-exit') calls.push(`-${stop.entry?.name ?? '?'}`);
      }
      stop = await within(stop.resume('syscall'), () => `a stop after ${calls.join(' ')}`);
    }
    const order = ['getpid', 'gettid', 'tgkill', 'getuid', 'rt_sigreturn', 'getppid'];
    expect(calls.filter((call) => order.includes(call.slice(1)))).toEqual(
      order.flatMap((name) => [`+${name}`, `-${name}`]),
    );
  });

  it('finds its turn again after a call whose exit was not asked for', async () => {
    const part = await held((s) =>
      s
        .syscall('getppid')
        .fork((f) => f.exitGroup(0))
        .syscall('getuid')
        .trap()
        .syscall('getgid')
        .exitGroup(0),
    );
    const calls: string[] = [];
    const told = async (next: PromiseLike<Stop>, what: string): Promise<PtraceStop> => {
      const stop = await within(next, what);
      calls.push(stop.kind === 'syscall-entry' ? stop.name : stop.kind);
      if (isEnd(stop)) throw new Error(calls.join(' '));
      return stop;
    };
    const mode = async (stop: PtraceStop, how: ResumeMode, what: string): Promise<PtraceStop> =>
      told(stop.tracee.resume(how), what);
    let stop = await mode(await first(part, 'getppid'), 'cont', 'the fork');
    stop = await mode(stop, 'syscall', 'the exit of the fork');
    stop = await mode(stop, 'syscall', 'getuid');
    stop = await mode(stop, 'cont', 'the trap');
    passTrap(stop.tracee);
    await mode(stop, 'syscall', 'getgid');
    expect(calls).toEqual(['fork', 'syscall-exit', 'getuid', 'breakpoint', 'getgid']);
  });

  it('begins with an exec: its exit is no entry', async () => {
    await using tracer = new Tracer();
    const tracee = await tracer.spawn('/bin/true', [], { stdio: 'null' });
    const calls: string[] = [];
    let stop = await within(tracee.resume('syscall'), 'the first stop');
    while (!isEnd(stop)) {
      calls.push(stop.kind === 'syscall-entry' ? stop.name : stop.kind);
      stop = await within(stop.resume('syscall'), () => `a stop after ${calls.join(' ')}`);
    }
    // The exit of the execve comes first, then a C library's first question, which is its break.
    expect(calls.slice(0, 2)).toEqual(['syscall-exit', 'brk']);
    expect(calls.at(-1)).toBe('exit_group');
    expect(stop).toMatchObject({ kind: 'exited', code: 0 });
  });

  it('gives seccomp stops their call and data', async () => {
    const part = await held(
      (s) =>
        s
          .seccompFilter(seccompFilter({ getuid: RET.trace(77) }))
          .syscall('getuid')
          .exitGroup(0),
      {
        events: ['seccomp'],
      },
    );
    part.tracee.memory.write(part.started.address('go'), Uint8Array.of(1));
    const stop = await runTo(part.tracee, 'seccomp');
    expect([stop.name, stop.number, stop.data, stop.arch]).toEqual(['getuid', nr('getuid'), 77, ARCH]);
    // Since Linux 4.8 the filter is asked after the entry: what follows is the exit.
    const exit = expectKind(await within(stop.resume('syscall'), 'the exit'), 'syscall-exit');
    expect(exit.entry).toBeNull();
    expectKind(await within(exit.resume('cont'), 'the end'), 'exited');
  });
});
