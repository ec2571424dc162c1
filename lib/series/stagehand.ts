/**
 * The process that stands between the runner and a program: it leads a session, starts the mother in a process group of its own there, and
 * reaps whatever the program leaves behind (PR_SET_CHILD_SUBREAPER). So a program is over, to the last orphan, when the stagehand is; the
 * tracee of a dead tracer is in no orphaned process group, which a kernel would send SIGHUP; no terminal is there to send signals; and if the
 * runner is killed, all go with it.
 */
import { ERRNO } from '../kernel/errno.js';
import { type ChildScript, result, script, start } from '../raw/child.js';
import { becomeNode, type Cues, descriptorsOf } from './cues.js';
import { printf } from './script-printf.js';

const PR_SET_CHILD_SUBREAPER = 36;

function stagehand(cues: Cues): ChildScript {
  const mother = (child: ChildScript): unknown => becomeNode(child.dieWithParent().syscall('setpgid', 0, 0), cues);
  const hand = script();
  hand.syscall('setsid').prctl(PR_SET_CHILD_SUBREAPER, 1).fork(mother).store('mother');
  printf(hand, cues.control, 'mother %d\n', hand.word('mother'));
  return hand
    .label('reap')
    .wait4()
    .when(result, '==', hand.word('mother'), (s) => printf(s, cues.control, 'ended %d\n', s.status))
    .jumpIf(result, '!=', -ERRNO.ECHILD, 'reap')
    .exitGroup(0);
}

/** Starts a program. The pid of its stagehand, a child of this process, which writes `mother PID` and `ended STATUS` to `control`. */
export function startProgram(cues: Cues): number {
  return start(stagehand(cues), { keepFds: descriptorsOf(cues), ownGroup: false }).pid;
}
