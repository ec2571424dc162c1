import { describe, expect, it } from 'vitest';
import { hostArch } from '../../lib/kernel/arch/host.js';
import { ERRNO } from '../../lib/kernel/errno.js';
import { PTRACE_EVENT } from '../../lib/kernel/events.js';
import { PTRACE_O } from '../../lib/kernel/options.js';
import { NT } from '../../lib/kernel/regsets.js';
import { PTRACE } from '../../lib/kernel/requests.js';
import { SIG } from '../../lib/kernel/signals.js';
import { script } from '../../lib/raw/child.js';
import * as raw from '../../lib/raw/index.js';
import { stateOf, until } from './ends.js';
import {
  child,
  dead,
  EVENT_STOP,
  expectReason,
  interrupted,
  listening,
  next,
  pauser,
  running,
  stopWord,
  traced,
  tracedByWorker,
} from './tracee.js';

const isX64 = hostArch(process.arch) === 'x64';
const bytes = new Uint8Array(1024);

/** Every request that wants its tracee in a ptrace-stop. */
const requests: Readonly<Record<string, (tid: number) => unknown>> = {
  cont: (tid) => raw.cont(tid),
  syscall: (tid) => raw.syscall(tid),
  singlestep: (tid) => raw.singlestep(tid),
  sysemu: (tid) => raw.sysemu(tid),
  sysemuSinglestep: (tid) => raw.sysemuSinglestep(tid),
  listen: (tid) => raw.listen(tid),
  detach: (tid) => raw.detach(tid),
  peekText: (tid) => raw.peekText(tid, 0),
  peekData: (tid) => raw.peekData(tid, 0),
  peekUser: (tid) => raw.peekUser(tid, 0),
  pokeText: (tid) => raw.pokeText(tid, 0, 0),
  pokeData: (tid) => raw.pokeData(tid, 0, 0),
  pokeUser: (tid) => raw.pokeUser(tid, 0, 0),
  getRegset: (tid) => raw.getRegset(tid, NT.PRSTATUS),
  getRegsetInto: (tid) => raw.getRegsetInto(tid, NT.PRSTATUS, bytes),
  setRegset: (tid) => raw.setRegset(tid, NT.PRSTATUS, new Uint8Array(8)),
  getSiginfo: (tid) => raw.getSiginfo(tid),
  getSiginfoInto: (tid) => raw.getSiginfoInto(tid, bytes),
  setSiginfo: (tid) => raw.setSiginfo(tid, new Uint8Array(128)),
  peekSiginfo: (tid) => raw.peekSiginfo(tid),
  getSigmask: (tid) => raw.getSigmask(tid),
  setSigmask: (tid) => raw.setSigmask(tid, 0),
  setOptions: (tid) => raw.setOptions(tid, 0),
  getEventMessage: (tid) => raw.getEventMessage(tid),
  getSyscallInfo: (tid) => raw.getSyscallInfo(tid),
  getSyscallInfoInto: (tid) => raw.getSyscallInfoInto(tid, bytes),
  setSyscallInfo: (tid) => raw.setSyscallInfo(tid, new Uint8Array(88)),
  getFilter: (tid) => raw.getFilter(tid, 0),
  getFilterLength: (tid) => raw.getFilterLength(tid, 0),
  getMetadata: (tid) => raw.getMetadata(tid, 0),
  getRseqConfiguration: (tid) => raw.getRseqConfiguration(tid),
  getSyscallUserDispatch: (tid) => raw.getSyscallUserDispatch(tid),
  setSyscallUserDispatch: (tid) => raw.setSyscallUserDispatch(tid, { mode: 0n, selector: 0n, offset: 0n, length: 0n }),
  request: (tid) => raw.request(PTRACE.CONT, tid, 0, 0),
  'request of no known number': (tid) => raw.request(0x7777, tid, 0, 0),
  ...(isX64
    ? {
        singleblock: (tid: number) => raw.singleblock(tid),
        getRegs: (tid: number) => raw.getRegs(tid),
        setRegs: (tid: number) => raw.setRegs(tid, bytes),
        getFpRegs: (tid: number) => raw.getFpRegs(tid),
        setFpRegs: (tid: number) => raw.setFpRegs(tid, bytes),
        oldSetOptions: (tid: number) => raw.oldSetOptions(tid, 0),
        getThreadArea: (tid: number) => raw.getThreadArea(tid, 12),
        setThreadArea: (tid: number) => raw.setThreadArea(tid, 12, bytes),
        archPrctlGet: (tid: number) => raw.archPrctlGet(tid, raw.ARCH.GET_FS),
        archPrctlSet: (tid: number) => raw.archPrctlSet(tid, raw.ARCH.SET_FS, 0),
      }
    : {}),
};

function each(tid: number, reason: Parameters<typeof expectReason>[1]): void {
  for (const [name, request] of Object.entries(requests)) {
    expect
      .soft(
        expectReason(() => request(tid), reason, 'ESRCH'),
        name,
      )
      .toMatchObject({ tid, errno: ERRNO.ESRCH });
  }
}

describe('ESRCH of every request that wants a stop', () => {
  it('is "running" while the tracee runs', () => {
    each(running(), 'running');
  });

  it('is "listening" while it listens', () => {
    each(listening(), 'listening');
  });

  it('is "not-tracee" of somebody else', () => {
    each(child(pauser()).pid, 'not-tracee');
    each(process.pid, 'not-tracee');
  });

  it('is "gone" when it is', () => {
    each(dead(), 'gone');
    each(0x7fffffff, 'gone');
    const { pid } = child(script().exitGroup(0));
    until('it is a zombie', () => stateOf(pid) === 'Z');
    each(pid, 'gone');
  });

  it('is "wrong-thread" when another thread of this process traces it', async () => {
    const { pid } = child(pauser());
    const { tid, release } = await tracedByWorker(pid);
    each(pid, 'wrong-thread');
    const error = expectReason(() => raw.cont(pid), 'wrong-thread');
    expect(error.message).toContain(`thread ${tid}`);
    await release();
    until('nobody traces it', () => raw.getpgid(pid) !== 0 && stateOf(pid) !== 't');
    each(pid, 'not-tracee');
  });

  it('is "not-tracee" when another process traces it', () => {
    const { pid } = child(pauser());
    const tracer = child(
      script()
        .syscall('ptrace', PTRACE.SEIZE, pid, 0, 0)
        .store('seized')
        .set(1)
        .store('done')
        .loop((s) => s.pause()),
    );
    const answer = new BigInt64Array(1);
    until('it is traced', () => {
      raw.processVmRead(tracer.pid, tracer.address('done'), answer);
      return answer[0] === 1n;
    });
    raw.processVmRead(tracer.pid, tracer.address('seized'), answer);
    expect(answer[0]).toBe(0n);
    expect(expectReason(() => raw.cont(pid), 'not-tracee').message).toContain(String(tracer.pid));
  });
});

describe('ESRCH that is none of these', () => {
  it('after SIGKILL it is "gone", whether or not the end has come', () => {
    const pid = interrupted();
    raw.kill(pid, SIG.SIGKILL);
    expectReason(() => raw.cont(pid), 'gone', 'ESRCH');
    expect(next(pid)).toBe(SIG.SIGKILL);
    expectReason(() => raw.cont(pid), 'gone', 'ESRCH');
  });

  it('of a tracee whose exec nobody has heard of yet, it says so', () => {
    const started = child(
      script()
        .waitUntil('start', '==', 1)
        .thread((s) => s.waitUntil('go', '==', 1).exec('/bin/sleep', ['sleep', '1000']))
        .loop((s) => s.pause()),
    );
    const { pid } = started;
    const open = (name: string) => raw.processVmWrite(pid, started.address(name), new Uint8Array([1]));
    raw.seize(pid, PTRACE_O.TRACEEXEC | PTRACE_O.TRACECLONE);
    open('start');
    expect(next(pid)).toBe(stopWord(SIG.SIGTRAP, PTRACE_EVENT.CLONE));
    const thread = Number(raw.getEventMessage(pid));
    expect(next(thread)).toBe(EVENT_STOP);
    raw.cont(pid);
    raw.cont(thread);
    open('go');
    until('it stops after its exec', () => stateOf(pid) === 't');
    // Under the leader's tid there is another thread now, and its stop has not been consumed.
    expect(expectReason(() => raw.cont(pid), 'running', 'ESRCH').message).toContain('executed');
    expect(next(pid)).toBe(stopWord(SIG.SIGTRAP, PTRACE_EVENT.EXEC));
    expect(raw.getEventMessage(pid)).toBe(BigInt(thread));
    raw.cont(pid);
  });
});

describe('EIO', () => {
  it('of a number that is no request says that it is not known', () => {
    expect(expectReason(() => raw.request(0x7777, traced(), 0, 0), 'not-supported', 'EIO').message).toContain(
      'does not know',
    );
  });

  it('of a signal that is none says so', () => {
    const pid = traced();
    expect(expectReason(() => raw.request(PTRACE.CONT, pid, 0, 65), 'kernel', 'EIO').message).toContain('signal');
  });
});

describe('explainFailure', () => {
  it('always has a reason', () => {
    for (const request of [0, 1, 12, 24, 33, 0x4200, 0x4206, 0x4207, 0x4212, 0x9999]) {
      for (const errno of Object.values(ERRNO)) {
        expect(raw.explainFailure(request, 0x7fffffff, errno).reason).toMatch(/^[a-z-]+$/);
      }
    }
  });
});
