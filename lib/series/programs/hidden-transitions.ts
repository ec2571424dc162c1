/**
 * A stopped process can be attached to and asked at once, without a wait: its way from T (stopped) to t (tracing stop) is hidden from the
 * tracer. And it reports the signal that had stopped it. Before, the state was changed behind its back, or a request failed with ESRCH.
 */
import { isPtraceError } from '../../errors.js';
import { SIG } from '../../kernel/signals.js';
import { P_PID, W } from '../../kernel/wait-flags.js';
import { procState } from '../../proc.js';
import { attach, detach, getSiginfo, kill, setOptions, wait4 } from '../../raw/index.js';
import { program } from '../program.js';
import { assert, fork, printf, until, waitid } from '../stage.js';

const TIMES = 1000;

function succeeds(request: () => unknown): boolean {
  try {
    request();
    return true;
  } catch (error) {
    if (isPtraceError(error)) return false;
    throw error;
  }
}

export const hiddenTransitions = program(import.meta.url, {
  group: 'jobctl',
  name: 'hidden-transitions',
  commit: 'd79fdd6d96f4',
  title: 'ptrace: Clean transitions between TASK_STOPPED and TRACED',
  source: 'described',
  duration: 0,
  expected: `\
ATTACH, SETOPTIONS at once: 1000 of 1000
then wait=137f, GETSIGINFO fails: 1000 of 1000
stopped by SIGTSTP, ATTACH: wait=147f
`,

  main() {
    const stopped = fork((child) => child.loop((c) => c.pause()));
    kill(stopped, SIG.SIGSTOP);
    waitid(P_PID, stopped, W.WSTOPPED);

    let atOnce = 0;
    let inGroupStop = 0;
    for (let i = 0; i < TIMES; i++) {
      // The way back, from t to T, is visible.
      assert(
        until(() => procState(stopped) === 'T'),
        'the tracee is T (stopped)',
      );
      attach(stopped);
      if (succeeds(() => setOptions(stopped, 0))) atOnce++;
      const status = wait4(stopped)?.status;
      if (status === 0x137f && !succeeds(() => getSiginfo(stopped))) inGroupStop++;
      detach(stopped);
    }
    printf(`ATTACH, SETOPTIONS at once: ${atOnce} of ${TIMES}\n`);
    printf(`then wait=137f, GETSIGINFO fails: ${inGroupStop} of ${TIMES}\n`);
    kill(stopped, SIG.SIGKILL);

    const suspended = fork((child) => child.loop((c) => c.pause()));
    kill(suspended, SIG.SIGTSTP);
    waitid(P_PID, suspended, W.WSTOPPED);
    attach(suspended);
    printf(`stopped by SIGTSTP, ATTACH: wait=${wait4(suspended)?.status.toString(16) ?? ''}\n`);
    kill(suspended, SIG.SIGKILL);
  },
});
