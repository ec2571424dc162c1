/** All series programs, in the order of `series all`. */
import type { Program } from './program.js';
import { autoAttach } from './programs/auto-attach.js';
import { detachSleeper } from './programs/detach-sleeper.js';
import { duplicateSigchld } from './programs/duplicate-sigchld.js';
import { execLeader } from './programs/exec-leader.js';
import { forkerWait } from './programs/forker-wait.js';
import { groupStopCompletion } from './programs/group-stop-completion.js';
import { hiddenTransitions } from './programs/hidden-transitions.js';
import { injectedStop } from './programs/injected-stop.js';
import { interrupt, interruptStopped } from './programs/interrupt.js';
import { killRunning } from './programs/kill-running.js';
import { listening } from './programs/listen.js';
import { notify } from './programs/notify.js';
import { oneStopReport } from './programs/one-stop-report.js';
import { realParentPolls, realParentWaits } from './programs/real-parent.js';
import { sameThreadGroup } from './programs/same-thread-group.js';
import { seize, seizeStopped } from './programs/seize.js';
import { tracedGroupStop } from './programs/traced-group-stop.js';
import { tracerExit } from './programs/tracer-exit.js';
import { zombieLeader } from './programs/zombie-leader.js';

export const catalogue: readonly Program[] = [
  // SEIZE, June and July 2011
  seize,
  seizeStopped,
  interrupt,
  interruptStopped,
  notify,
  listening,
  // Job control, March to July 2011, in the order of the commits
  groupStopCompletion,
  tracedGroupStop,
  hiddenTransitions,
  tracerExit,
  oneStopReport,
  duplicateSigchld,
  zombieLeader,
  realParentPolls,
  realParentWaits,
  killRunning,
  detachSleeper,
  execLeader,
  injectedStop,
  autoAttach,
  sameThreadGroup,
  forkerWait,
];
