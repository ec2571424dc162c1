/** Every request that can be made in any situation, without changing what it reads. */
import { NT } from '../../kernel/regsets.js';
import { encodeSiginfo } from '../../kernel/siginfo.js';
import { isPtraceError } from '../../errors.js';
import * as raw from '../../raw/index.js';
import type { Actor, Result } from '../actor.js';
import type { Need } from '../needs.js';
import type { Situation } from './situations.js';

/** The requests by their names without the prefix. */
export type RequestId =
  | 'PEEKDATA'
  | 'POKEDATA'
  | 'GETREGSET'
  | 'SETREGSET'
  | 'GETSIGINFO'
  | 'SETSIGINFO'
  | 'PEEKSIGINFO'
  | 'GETSIGMASK'
  | 'SETSIGMASK'
  | 'GETEVENTMSG'
  | 'SETOPTIONS'
  | 'GET_SYSCALL_INFO'
  | 'CONT'
  | 'SYSCALL'
  | 'SINGLESTEP'
  | 'SYSEMU'
  | 'LISTEN'
  | 'INTERRUPT'
  | 'DETACH'
  | 'KILL'
  | 'ATTACH'
  | 'SEIZE'
  | 'UNKNOWN';

export interface Request {
  readonly id: RequestId;
  readonly title: string;
  /** It lets the tracee go on when it succeeds. */
  readonly resumes: boolean;
  readonly needs?: readonly Need[];
  make(e: Actor, situation: Situation): Result;
}

const UNKNOWN_REQUEST = 0x4fff;
/** `struct user_regs_struct` is smaller on every machine. */
const MOST_REGISTERS = 1024;

/** What a request gives, or nothing where the tracee does not answer. */
function ifAnswered<T>(request: () => T): T | undefined {
  try {
    return request();
  } catch (error) {
    if (isPtraceError(error)) return undefined;
    throw error;
  }
}

/** A place of the tracee's memory that is there in any program: its stack. */
const stackOf = (e: Actor): bigint => ifAnswered(() => e.registers().sp) ?? 0n;

/** Makes it and writes down whether it succeeded; what it read is for the scenarios. */
function plain(id: RequestId, title: string, make: (tid: number, e: Actor, situation: Situation) => unknown): Request {
  return {
    id,
    title,
    resumes: false,
    make: (e, situation) => {
      const result = e.stage.attempt(() => make(e.tid, e, situation));
      e.observe(id, result);
      return result;
    },
  };
}

export const requests: readonly Request[] = [
  plain('PEEKDATA', 'reads memory', (tid, e) => raw.peekData(tid, stackOf(e))),
  plain('POKEDATA', 'writes memory', (tid, e) => {
    const address = stackOf(e);
    raw.pokeData(tid, address, ifAnswered(() => raw.peekData(tid, address)) ?? 0n);
  }),
  plain('GETREGSET', 'reads the registers', (tid) => raw.getRegset(tid, NT.PRSTATUS)),
  plain('SETREGSET', 'writes the registers', (tid) =>
    raw.setRegset(
      tid,
      NT.PRSTATUS,
      ifAnswered(() => raw.getRegset(tid, NT.PRSTATUS)) ?? new Uint8Array(MOST_REGISTERS),
    ),
  ),
  plain('GETSIGINFO', 'asks for the signal of the stop', (tid) => raw.getSiginfo(tid)),
  plain('SETSIGINFO', 'replaces the signal of the stop', (tid) => {
    const { bytes } = ifAnswered(() => raw.getSiginfo(tid)) ?? { bytes: encodeSiginfo({ signal: 10, code: 0 }) };
    raw.setSiginfo(tid, bytes);
  }),
  plain('PEEKSIGINFO', 'looks at pending signals', (tid) => raw.peekSiginfo(tid)),
  plain('GETSIGMASK', 'reads the mask of blocked signals', (tid) => raw.getSigmask(tid)),
  plain('SETSIGMASK', 'writes the mask of blocked signals', (tid) => {
    raw.setSigmask(tid, ifAnswered(() => raw.getSigmask(tid)) ?? 0n);
  }),
  plain('GETEVENTMSG', 'reads the message of the last event', (tid) => raw.getEventMessage(tid)),
  plain('SETOPTIONS', 'sets the options that it has', (tid, _e, { options }) => {
    raw.setOptions(tid, options);
  }),
  {
    id: 'GET_SYSCALL_INFO',
    title: 'asks for the system call of the stop',
    resumes: false,
    needs: ['request.PTRACE_GET_SYSCALL_INFO'],
    make: (e) => {
      const info = e.syscallInfo();
      return info === undefined ? 'failed' : '0';
    },
  },
  { id: 'CONT', title: 'lets it run', resumes: true, make: (e) => e.cont() },
  { id: 'SYSCALL', title: 'lets it run to the next system call', resumes: true, make: (e) => e.syscall() },
  {
    id: 'SINGLESTEP',
    title: 'lets it run for one instruction',
    resumes: true,
    needs: ['step.single'],
    make: (e) => e.step(),
  },
  {
    id: 'SYSEMU',
    title: 'lets it run to the next system call, which is not made',
    resumes: true,
    needs: ['step.sysemu'],
    make: (e) => e.sysemu(),
  },
  { id: 'LISTEN', title: 'lets it listen', resumes: false, make: (e) => e.listen() },
  { id: 'INTERRUPT', title: 'asks for a trap', resumes: false, make: (e) => e.interrupt() },
  { id: 'DETACH', title: 'lets it go', resumes: true, make: (e) => e.detach() },
  { id: 'KILL', title: 'kills it', resumes: false, make: (e) => e.ptraceKill() },
  { id: 'ATTACH', title: 'attaches to it', resumes: false, make: (e) => e.attach() },
  { id: 'SEIZE', title: 'seizes it', resumes: false, make: (e) => e.seize() },
  {
    id: 'UNKNOWN',
    title: 'makes a request that no kernel knows',
    resumes: false,
    make: (e) => e.request('UNKNOWN', UNKNOWN_REQUEST, 0, 0),
  },
];
