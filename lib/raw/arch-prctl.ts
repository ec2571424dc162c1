/**
 * ARCH_PRCTL: arch_prctl(2) on the tracee. x86-64.
 *
 * The commands that read write a word to an address **of the tracer**. So they are told apart here from those that take a value, and a
 * command that is not known to be either is not sent.
 */
import { checkUint32, checkWord } from '../arguments.js';
import { badInput } from '../errors.js';
import { PTRACE_X64 } from '../kernel/arch/x64/requests.js';
import { invoke, invokeTwoBuffers, tidOf } from './invoke.js';
import { onlyOn } from './unsupported.js';

/** Commands of arch_prctl(2) that work on a tracee. Source: uapi/asm/prctl.h. */
export const ARCH = {
  SET_GS: 0x1001,
  SET_FS: 0x1002,
  GET_FS: 0x1003,
  GET_GS: 0x1004,
  /** The bits of an address that are no tag. Since Linux 6.4. */
  GET_UNTAG_MASK: 0x4001,
  /** How many tag bits the CPU offers. Since Linux 6.4. */
  GET_MAX_TAG_BITS: 0x4003,
  /** Allow the tracee to change a shadow stack feature again: only a tracer can. Since Linux 6.6. */
  SHSTK_UNLOCK: 0x5004,
  /** Which shadow stack features are on. Since Linux 6.6. */
  SHSTK_STATUS: 0x5005,
} as const;

const setters: ReadonlySet<number> = new Set([ARCH.SET_GS, ARCH.SET_FS, ARCH.SHSTK_UNLOCK]);
const getters: ReadonlySet<number> = new Set([
  ARCH.GET_FS,
  ARCH.GET_GS,
  ARCH.GET_UNTAG_MASK,
  ARCH.GET_MAX_TAG_BITS,
  ARCH.SHSTK_STATUS,
]);

const NAME = 'PTRACE_ARCH_PRCTL';
const REQUEST = PTRACE_X64.ARCH_PRCTL;

function prepare(tid: unknown, command: unknown, allowed: ReadonlySet<number>, what: string): number {
  const checkedTid = tidOf(REQUEST, tid);
  onlyOn('x64', NAME, checkedTid);
  const checked = checkUint32(NAME, command, 'command');
  if (!allowed.has(checked)) {
    throw badInput(NAME, `command is 0x${checked.toString(16)}, want one of ARCH that ${what}`, checkedTid);
  }
  return checkedTid;
}

/**
 * PTRACE_ARCH_PRCTL with a command that sets something.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param command one of ARCH that takes a value: SET_FS, SET_GS, SHSTK_UNLOCK
 * @param value the value: a base address, or feature bits
 * @throws PtraceError 'kernel' (EPERM: a base outside user space; EINVAL: not known to this kernel); 'bad-input' for any other command;
 * 'not-supported' on any machine but x86-64; 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * x86-64, since Linux 2.6. Source: arch_prctl(2); uapi/asm/ptrace-abi.h.
 */
export function archPrctlSet(tid: number, command: number, value: bigint | number): void {
  const checkedTid = prepare(tid, command, setters, 'takes a value');
  invoke(REQUEST, checkedTid, checkWord(NAME, value), command);
}

const answer = new BigUint64Array(1);

/**
 * PTRACE_ARCH_PRCTL with a command that reads something.
 *
 * @param tid the tracee, in a ptrace-stop
 * @param command one of ARCH that gives a value: GET_FS, GET_GS, GET_UNTAG_MASK, GET_MAX_TAG_BITS, SHSTK_STATUS
 * @returns the value
 * @throws PtraceError 'kernel' (EINVAL) when this kernel does not know it; 'bad-input' for any other command; 'not-supported' on any machine
 * but x86-64; 'running', 'listening', 'gone', 'not-tracee', 'wrong-thread' (ESRCH)
 *
 * x86-64, since Linux 2.6. Source: arch_prctl(2); uapi/asm/ptrace-abi.h.
 */
export function archPrctlGet(tid: number, command: number): bigint {
  const checkedTid = prepare(tid, command, getters, 'gives a value');
  invokeTwoBuffers(REQUEST, checkedTid, answer, command);
  return answer[0] ?? 0n;
}
