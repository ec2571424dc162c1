/** pidfds, and waiting by them. */
import { SIG } from '../../kernel/signals.js';
import { P_PIDFD, P_PID, W } from '../../kernel/wait-flags.js';
import { script } from '../../raw/child.js';
import { closePidfd, kill, pidfdOpen, pidfdSendSignal, waitid } from '../../raw/index.js';
import type { Lab } from '../lab.js';
import { no, type Notes, yes } from '../notes.js';
import type { Section } from '../section.js';

function byPidfd(lab: Lab, notes: Notes, pid: number, pidfd: number): void {
  notes.try('process.pidfd_send_signal', () => pidfdSendSignal(pidfd, 0));
  notes.try('wait.pidfd', () => {
    // First a look: a kernel without P_PIDFD says so at once.
    waitid(P_PIDFD, pidfd, W.WEXITED | W.WNOHANG | W.WNOWAIT);
    kill(pid, SIG.SIGKILL);
    let told: number | undefined;
    lab.until('the exit', () => {
      told = waitid(P_PIDFD, pidfd, W.WEXITED | W.WNOHANG | W.WNOWAIT)?.pid;
      return told !== undefined;
    });
    return told === pid ? yes('waitid(2) takes P_PIDFD') : no('told of another process');
  });
}

export const processes: Section = {
  ids: ['process.pidfd_open', 'process.pidfd_send_signal', 'wait.pidfd', 'wait.waitid-clone-flags'],
  run(lab, notes) {
    const { pid } = lab.start(script().loop((s) => s.pause()));
    notes.try('wait.waitid-clone-flags', () => {
      const flags = W.WEXITED | W.WSTOPPED | W.WNOHANG | W.WNOWAIT;
      waitid(P_PID, pid, flags | W.__WALL);
      waitid(P_PID, pid, flags | W.__WNOTHREAD);
      return 'waitid(2) takes __WALL and __WNOTHREAD';
    });
    let pidfd = -1;
    const opened = notes.try('process.pidfd_open', () => {
      pidfd = pidfdOpen(pid);
    });
    if (opened.status !== 'yes') {
      notes.rest(['process.pidfd_send_signal', 'wait.pidfd'], opened);
      return;
    }
    try {
      byPidfd(lab, notes, pid, pidfd);
    } finally {
      closePidfd(pidfd);
    }
  },
};
