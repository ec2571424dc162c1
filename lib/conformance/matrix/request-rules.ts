/** What is right when a request meets a situation: the rules of ptrace(2), from which every cell's transcript is made. */
import type { Request, RequestId } from './requests.js';
import type { Situation } from './situations.js';

const MARK = 'stopped by SIGUSR2';
const NOTHING = 'nothing';

const ATTACHING: ReadonlySet<RequestId> = new Set(['ATTACH', 'SEIZE']);
/** Requests that want no stop. */
const ANYTIME: ReadonlySet<RequestId> = new Set(['INTERRUPT', 'KILL']);

/** What a request gives. */
function resultOf({ special, tracing, stopped }: Situation, id: RequestId): string {
  if (special === 'dead') return 'ESRCH';
  if (ATTACHING.has(id)) return special === 'untraced' ? '0' : 'EPERM';
  if (tracing === 'none') return 'ESRCH';
  if (id === 'INTERRUPT') return tracing === 'seized' ? '0' : 'EIO';
  if (ANYTIME.has(id)) return '0';
  if (!stopped) return 'ESRCH';
  switch (id) {
    case 'LISTEN': {
      const eventStop = special === 'event-stop' || special === 'group-stop' || special === 'new-child';
      return eventStop && tracing === 'seized' ? '0' : 'EIO';
    }
    case 'GETSIGINFO':
    case 'SETSIGINFO':
      return special === 'group-stop' && tracing === 'attached' ? 'EINVAL' : '0';
    case 'GET_SYSCALL_INFO':
      return syscallInfoOf(special);
    case 'UNKNOWN':
      return 'EIO';
    default:
      return '0';
  }
}

function syscallInfoOf(special: Situation['special']): string {
  switch (special) {
    case 'syscall-entry':
      return 'entry munlockall';
    case 'syscall-exit':
      return 'exit 0';
    case 'seccomp':
      return 'seccomp munlockall data 0x1';
    default:
      return 'none';
  }
}

/** The end of the tracee that is let go, or that runs on. */
function endOf({ special }: Situation): string | undefined {
  if (special === 'exit') return 'exited 9';
  if (special === 'exec') return 'exited 7';
  return undefined;
}

/** What comes after CONT. */
function afterCont(situation: Situation): string {
  return endOf(situation) ?? MARK;
}

/** What comes after a request that has let it go on. */
function afterResume(situation: Situation, id: RequestId): string {
  const { special } = situation;
  switch (id) {
    case 'SYSCALL':
    case 'SYSEMU':
      return special === 'exit' ? 'exited 9' : 'syscall-stop';
    case 'SINGLESTEP':
      return special === 'exit' ? 'exited 9' : 'stopped by SIGTRAP';
    case 'DETACH':
      // Somebody else is its parent.
      if (special === 'new-child') return 'ECHILD';
      // Its group is stopped, and so is it; the parent, which nobody has told yet, is told.
      if (special === 'group-stop') return 'stopped by SIGSTOP';
      return endOf(situation) ?? 'killed by SIGUSR2';
    default:
      return afterCont(situation);
  }
}

/** What a look finds after a request that has not let it go on. */
function lookAfter(situation: Situation, id: RequestId, result: string): string {
  const { special } = situation;
  if (special === 'dead') return 'ECHILD';
  if (special === 'zombie') return 'exited 9';
  if (result !== '0') return NOTHING;
  switch (id) {
    case 'KILL':
      return special === 'exit' ? NOTHING : 'killed by SIGKILL';
    case 'INTERRUPT':
      if (special === 'listening') return 'event STOP SIGSTOP';
      return special === 'running' ? 'event STOP SIGTRAP' : NOTHING;
    case 'ATTACH':
      return 'stopped by SIGSTOP';
    default:
      return NOTHING;
  }
}

/** What comes after the CONT that follows: what the request has left behind. */
function afterwards(situation: Situation, id: RequestId, result: string): string {
  const { special, stopped } = situation;
  if (id === 'INTERRUPT' && result === '0' && stopped && special !== 'exit') {
    return special === 'group-stop' ? 'event STOP SIGSTOP' : 'event STOP SIGTRAP';
  }
  // It had nothing to do before, and has nothing to do now.
  if (special === 'running' || special === 'untraced') return NOTHING;
  return afterCont(situation);
}

const isEnd = (status: string): boolean =>
  status.startsWith('killed') || status.startsWith('exited') || status === 'ECHILD';

/** The transcript of a cell. */
export function requestTranscript(situation: Situation, { id, resumes }: Request): string {
  const result = resultOf(situation, id);
  const name = id === 'GET_SYSCALL_INFO' ? 'syscall info' : id;
  const lines = [`E: ${name} = ${result}`];
  if (resumes && result === '0') {
    lines.push(`E: poll = ${afterResume(situation, id)}`);
    return lines.join('\n');
  }
  const look = lookAfter(situation, id, result);
  lines.push(`E: poll = ${look}`);
  if (isEnd(look)) return lines.join('\n');
  const stands =
    (situation.stopped && !(id === 'LISTEN' && result === '0')) ||
    look.startsWith('event') ||
    look.startsWith('stopped');
  lines.push(`E: CONT = ${stands ? '0' : 'ESRCH'}`);
  if (stands) lines.push(`E: poll = ${afterwards(situation, id, result)}`);
  return lines.join('\n');
}
