/** The messages that the scenarios here follow from. */
import { commit, mail } from '../../scenario.js';

export const stackedEvents = mail('utrace-devel', '[PATCH 34] cleanup/simplify stop/resume mess', 2009);
export const utracePtrace = mail('utrace-devel', 'utrace_ptrace && task->ptrace', 2009);
export const utraceCleanup = mail('utrace-devel', 'utrace-cleanup branch', 2009);
export const groupStopNotification = mail(
  'linux-kernel',
  'Re: [PATCH 10/10] ptrace: implement group stop notification for ptracer',
  2011,
);
export const implementListen = commit('544b2c91a9f1', 'ptrace: implement PTRACE_LISTEN');
