/** gdb's probes of what the kernel can do, and how it attaches to all threads of a process. */
import { readdirSync } from 'node:fs';
import { PTRACE_O } from '../../../kernel/options.js';
import { W } from '../../../kernel/wait-flags.js';
import { scenario, suite, type Scenario } from '../../scenario.js';

export const gdb: readonly Scenario[] = [
  scenario({
    id: 'tracefork-probe',
    title: 'A child that was started with TRACEME reports its fork, tells the new process, and both end by PTRACE_KILL',
    source: [suite('gdb', 'linux-ptrace.c: tracefork')],
    tags: ['traceme', 'fork', 'options', 'kill'],
    rule:
      'That is how gdb finds out, once, whether fork events work: options are set at the first stop, the event’s message is the child, whose first stop is ' +
      'a SIGSTOP. PTRACE_KILL ends a tracee that stands.',
    play(s) {
      const e = s.child('E', (c) => {
        c.traceme().tgkillSelf('SIGSTOP');
        c.fork((child) => child.exitGroup(0)).exitGroup(0);
      });
      e.wait();
      e.setOptions(PTRACE_O.TRACEFORK);
      e.cont();
      e.wait();
      const child = e.newTask('child');
      child.wait();
      for (const each of [child, e]) {
        each.ptraceKill();
        each.wait();
      }
    },
    expect: `
      E: wait = stopped by SIGSTOP
      E: SETOPTIONS = 0
      E: CONT = 0
      E: wait = event FORK
      E: event message = child
      child: wait = stopped by SIGSTOP
      child: KILL = 0
      child: wait = killed by SIGKILL
      E: KILL = 0
      E: wait = killed by SIGKILL
    `,
  }),

  scenario({
    id: 'tracesysgood-probe',
    title: 'Each option can be set alone at a stop of a tracee that did TRACEME',
    source: [suite('gdb', 'linux-ptrace.c: linux_check_ptrace_features')],
    also: ['vforkdone-probe', 'exitkill-probe'],
    tags: ['traceme', 'options'],
    rule:
      'SETOPTIONS refuses what the kernel does not know (EINVAL), so a tracer asks for one at a time and keeps those that were taken. Of the events ' +
      'VFORK_DONE needs no other option.',
    since: '3.8',
    play(s) {
      const e = s.tracee('E', (c) => c.exitGroup(0), { by: 'traceme' });
      const each = [
        'TRACESYSGOOD',
        'TRACEFORK',
        'TRACEVFORK',
        'TRACECLONE',
        'TRACEEXEC',
        'TRACEVFORKDONE',
        'TRACEEXIT',
      ] as const;
      for (const name of [...each, 'TRACESECCOMP', 'EXITKILL'] as const) {
        const result = s.unrecorded(() => e.setOptions(PTRACE_O[name]));
        e.observe(`SETOPTIONS of ${name}`, result);
      }
      e.setOptions(1 << 30);
      e.setOptions(0);
    },
    expect: `
      E: SETOPTIONS of TRACESYSGOOD = 0
      E: SETOPTIONS of TRACEFORK = 0
      E: SETOPTIONS of TRACEVFORK = 0
      E: SETOPTIONS of TRACECLONE = 0
      E: SETOPTIONS of TRACEEXEC = 0
      E: SETOPTIONS of TRACEVFORKDONE = 0
      E: SETOPTIONS of TRACEEXIT = 0
      E: SETOPTIONS of TRACESECCOMP = 0
      E: SETOPTIONS of EXITKILL = 0
      E: SETOPTIONS = EINVAL
      E: SETOPTIONS = 0
    `,
  }),

  scenario({
    id: 'linux_proc_attach_tgid_threads',
    title:
      'A leader that has ended stands in /proc/PID/task still and gives EPERM to ATTACH, as a thread that is gone gives ESRCH',
    source: [suite('gdb', 'linux_proc_attach_tgid_threads')],
    tags: ['attach', 'threads', 'zombie', 'errors', 'proc'],
    rule:
      'Whoever attaches to all that is listed meets threads that have ended meanwhile: neither error means that the process cannot be traced. The list is ' +
      'read again until it has nothing new.',
    play(s) {
      const e = s.child('E', (c) => {
        c.thread((thread) => thread.waitUntil('exit', '!=', 0)).store('short');
        c.thread((thread) => thread.loop((again) => again.pause())).store('long');
        c.waitUntil('end', '!=', 0).exit(0);
      });
      const short = s.adopt('short-lived thread', Number(e.untilSet('short')));
      const long = s.adopt('thread', Number(e.untilSet('long')));
      e.setWord('exit', 1n);
      short.untilState('gone');
      e.setWord('end', 1n);
      e.untilState('Z');
      const listed = readdirSync(`/proc/${long.tid}/task`).map((tid) => s.nameOf(Number(tid)));
      // By name: the ids of younger threads are smaller when the kernel has begun again with them.
      s.observe('tasks listed', listed.sort().join(', '));
      e.attach();
      short.attach();
      long.attach();
      long.wait(W.__WALL);
      long.tracer();
      e.state();
    },
    expect: `
      tasks listed = E, thread
      E: ATTACH = EPERM
      short-lived thread: ATTACH = ESRCH
      thread: ATTACH = 0
      thread: wait = stopped by SIGSTOP
      thread: tracer = R
      E: state = Z (zombie)
    `,
  }),
];
