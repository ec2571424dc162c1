import { describe, expect, it } from 'vitest';
import { PTRACE_EVENT } from '../../lib/kernel/events.js';
import { PTRACE_O } from '../../lib/kernel/options.js';
import { PTRACE } from '../../lib/kernel/requests.js';
import { SIG } from '../../lib/kernel/signals.js';
import { script } from '../../lib/raw/child.js';
import { hostSyscallNumber } from '../../lib/raw/host-syscalls.js';
import {
  cont,
  getEventMessage,
  getFilter,
  getFilterLength,
  getMetadata,
  getSyscallInfo,
  request,
  setOptions,
} from '../../lib/raw/index.js';
import { expectReason, failure, next, stopWord, traced } from './tracee.js';

const FLAG_LOG = 2;

function program(instructions: readonly (readonly [code: number, jt: number, jf: number, k: number])[]): Uint8Array {
  const bytes = new Uint8Array(8 * instructions.length);
  const view = new DataView(bytes.buffer);
  for (const [index, [code, jt, jf, k]] of instructions.entries()) {
    view.setUint16(8 * index, code, true);
    view.setUint8(8 * index + 2, jt);
    view.setUint8(8 * index + 3, jf);
    view.setUint32(8 * index + 4, k, true);
  }
  return bytes;
}

const ALLOW = [0x06, 0, 0, 0x7fff0000] as const;
const allowAll = program([ALLOW]);
/** getppid asks the tracer, with 0x1234; everything else is allowed. */
const traceGetppid = program([
  [0x20, 0, 0, 0],
  [0x15, 0, 1, hostSyscallNumber('getppid') ?? 0],
  [0x06, 0, 0, 0x7ff01234],
  ALLOW,
]);

/** In the stop of SIGSTOP with two filters. */
const filtered = () =>
  traced(
    script()
      .traceme()
      .seccompFilter(traceGetppid)
      .seccompFilter(allowAll, FLAG_LOG)
      .tgkillSelf('SIGSTOP')
      .syscall('getppid')
      .exitGroup(0),
  );

/** Whether this process may read filters at all. */
function mayRead(): boolean {
  const error = failure(() => getFilterLength(filtered(), 0));
  return error === undefined;
}

describe('PTRACE_SECCOMP_GET_FILTER', () => {
  it('gives the filters, the first one first', ({ skip }) => {
    if (!mayRead()) skip('no right to read seccomp filters here, or no kernel with CONFIG_CHECKPOINT_RESTORE');
    const pid = filtered();
    expect(getFilterLength(pid, 0)).toBe(4);
    expect(getFilterLength(pid, 1)).toBe(1);
    expect(getFilter(pid, 0)).toEqual(traceGetppid);
    expect(getFilter(pid, 1)).toEqual(allowAll);
    expectReason(() => getFilter(pid, 2), 'kernel', 'ENOENT');
    expectReason(() => getFilterLength(pid, 2), 'kernel', 'ENOENT');
    for (const index of [-1, 1.5, NaN, 2 ** 32, 0n as never]) {
      expectReason(() => getFilter(pid, index), 'bad-input');
    }
  });

  it('says that there is none', ({ skip }) => {
    if (!mayRead()) skip('no right to read seccomp filters here, or no kernel with CONFIG_CHECKPOINT_RESTORE');
    expectReason(() => getFilter(traced(), 0), 'kernel', 'EINVAL');
  });

  it('by the escape, into a buffer that is long enough', ({ skip }) => {
    if (!mayRead()) skip('no right to read seccomp filters here, or no kernel with CONFIG_CHECKPOINT_RESTORE');
    const pid = filtered();
    expect(request(PTRACE.SECCOMP_GET_FILTER, pid, 0, null)).toBe(4);
    const room = new Uint8Array(40);
    expect(request(PTRACE.SECCOMP_GET_FILTER, pid, 0, room)).toBe(4);
    expect(room.slice(0, 32)).toEqual(traceGetppid);
    expectReason(() => request(PTRACE.SECCOMP_GET_FILTER, pid, 0, new Uint8Array(31)), 'bad-input');
  });
});

describe('PTRACE_SECCOMP_GET_METADATA', () => {
  it('gives the flags of each filter', ({ skip }) => {
    if (!mayRead()) skip('no right to read seccomp filters here, or no kernel with CONFIG_CHECKPOINT_RESTORE');
    const pid = filtered();
    expect(getMetadata(pid, 0)).toEqual({ filterOffset: 0n, flags: 0n });
    expect(getMetadata(pid, 1)).toEqual({ filterOffset: 1n, flags: BigInt(FLAG_LOG) });
    expectReason(() => getMetadata(pid, 2), 'kernel', 'ENOENT');
    expectReason(() => getMetadata(traced(), 0), 'kernel', 'EINVAL');
  });
});

describe('PTRACE_O_TRACESECCOMP', () => {
  it('stops where a filter says so', () => {
    const pid = filtered();
    setOptions(pid, PTRACE_O.TRACESECCOMP);
    cont(pid);
    expect(next(pid)).toBe(stopWord(SIG.SIGTRAP, PTRACE_EVENT.SECCOMP));
    expect(getEventMessage(pid)).toBe(0x1234n);
    expect(getSyscallInfo(pid)).toMatchObject({
      op: 'seccomp',
      nr: hostSyscallNumber('getppid'),
      retData: 0x1234,
    });
    cont(pid);
    expect(next(pid)).toBe(0);
  });
});
