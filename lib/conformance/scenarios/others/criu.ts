/** How CRIU and its library compel stop a process, look at it, and have it run their code. */
import { PTRACE_EVENT } from '../../../kernel/events.js';
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE, STRUCT_SIZE } from '../../../kernel/requests.js';
import { encodePeeksiginfoArgs } from '../../../kernel/structs.js';
import { W } from '../../../kernel/wait-flags.js';
import { getSiginfo } from '../../../raw/index.js';
import { toEntry } from '../../parts/system-calls.js';
import { filterLength, seccompFilter } from '../../parts/seccomp-filter.js';
import { commit, manual, scenario, suite, type Scenario } from '../../scenario.js';

const RSEQ_SIZE = STRUCT_SIZE.RSEQ_CONFIGURATION;

export const criu: readonly Scenario[] = [
  scenario({
    id: 'seize-loop',
    title:
      'An INTERRUPT is not lost when signals are reported first: resumed with them, the tracee comes to its EVENT_STOP at last',
    source: [suite('criu', 'compel_wait_task'), commit('fca26f260c52', 'ptrace: implement PTRACE_INTERRUPT')],
    tags: ['seize', 'interrupt', 'signals', 'siginfo'],
    rule:
      'The tracee may have stopped for a signal when INTERRUPT comes: that stop is reported, and the INTERRUPT stays pending behind it. The tracer tells ' +
      'them apart by si_code, (code >> 8) is PTRACE_EVENT_STOP in the one that it asked for, and hands the other on by CONT with its signal. The handler ' +
      'has its frame at the EVENT_STOP that follows, but has not run.',
    since: '3.4',
    play(s) {
      const e = s.child('E', (c) => {
        c.handle('SIGUSR1', (h) => h.increment('handled'))
          .block('SIGUSR1')
          .store('ready', 1);
        c.waitUntil('gate', '!=', 0).killSelf('SIGUSR1').unblock('SIGUSR1');
        c.loop((again) => again.pause());
      });
      e.untilSet('ready');
      e.seize();
      e.setWord('gate', 1n);
      e.untilState('t');
      e.interrupt();
      for (let round = 1; round <= 3; round++) {
        e.wait();
        const { signal, code } = getSiginfo(e.tid).decoded;
        const asked = code >> 8 === PTRACE_EVENT.STOP;
        e.observe(`stop ${round} is the one that was asked for`, asked);
        if (asked) break;
        e.cont(signal);
      }
      e.observe('handled', e.word('handled'));
      e.poll();
      e.cont();
      s.until('the handler has run', () => e.word('handled') === 1n);
      e.poll();
    },
    expect: `
      E: SEIZE = 0
      E: INTERRUPT = 0
      E: wait = stopped by SIGUSR1
      E: stop 1 is the one that was asked for = false
      E: CONT SIGUSR1 = 0
      E: wait = event STOP SIGTRAP
      E: stop 2 is the one that was asked for = true
      E: handled = 0
      E: poll = nothing
      E: CONT = 0
      E: poll = nothing
    `,
  }),

  scenario({
    id: 'zombie-detection',
    title: 'SEIZE of a process that has ended gives EPERM while it is a zombie and ESRCH when it was reaped',
    source: [suite('criu', 'compel_stop_task'), manual('ptrace(2)', 'RETURN VALUE')],
    tags: ['seize', 'zombie', 'errors', 'proc'],
    rule: 'EPERM alone does not tell a zombie from want of rights: CRIU reads the state in /proc then, and takes Z and X for what they are.',
    since: '3.4',
    play(s) {
      const e = s.child('E', (c) => c.exitGroup(3));
      e.untilState('Z');
      e.seize();
      e.interrupt();
      e.state();
      e.wait();
      e.seize();
      e.state();
    },
    expect: `
      E: SEIZE = EPERM
      E: INTERRUPT = ESRCH
      E: state = Z (zombie)
      E: wait = exited 3
      E: SEIZE = ESRCH
      E: state = gone
    `,
  }),

  scenario({
    id: 'stopped-task-handling',
    title:
      'The signal of the EVENT_STOP tells whether the process was stopped, and a stop signal that pends is seen before it acts',
    source: [suite('criu', 'compel_wait_task'), manual('ptrace(2)', 'Group-stop')],
    tags: ['seize', 'interrupt', 'group-stop', 'pending'],
    rule:
      'si_signo is SIGTRAP for a process that ran and the stop signal for one that was stopped: so much has to be restored. One with a SIGSTOP pending ' +
      'stands in EVENT_STOP of SIGTRAP and will stop as soon as it is resumed; it can be found among the pending signals.',
    since: '3.4',
    play(s) {
      const stopped = s.pauser('stopped');
      s.unrecorded(() => stopped.kill('SIGTSTP'));
      stopped.untilState('T');
      const running = s.pauser('running');
      for (const e of [stopped, running]) {
        e.seize();
        e.interrupt();
        e.wait();
        e.siginfo();
        e.pending();
      }
      running.kill('SIGSTOP');
      running.pending();
      running.detach();
      running.wait(W.WUNTRACED);
      running.state();
      stopped.detach();
      stopped.rest();
      stopped.state();
    },
    expect: `
      stopped: SEIZE = 0
      stopped: INTERRUPT = 0
      stopped: wait = event STOP SIGTSTP
      stopped: siginfo = SIGTSTP 0x8014 from stopped
      stopped: pending = none
      running: SEIZE = 0
      running: INTERRUPT = 0
      running: wait = event STOP SIGTRAP
      running: siginfo = SIGTRAP 0x8005 from running
      running: pending = none
      running: kill SIGSTOP = 0
      running: pending = SIGSTOP
      running: DETACH = 0
      running: wait = stopped by SIGSTOP
      running: state = T (stopped)
      stopped: DETACH = 0
      stopped: state = T (stopped)
    `,
  }),

  scenario({
    id: 'feature-probes',
    title:
      'What CRIU needs of ptrace can be asked of any stopped tracee: each request gives its answer or its one error',
    source: [
      suite('criu', 'kerndat'),
      commit('90f093fa8ea4', 'rseq, ptrace: Add PTRACE_GET_RSEQ_CONFIGURATION request'),
      commit('84c751bd4aeb', 'ptrace: add ability to retrieve signals without removing from a queue (v4)'),
    ],
    tags: ['requests', 'rseq', 'seccomp', 'sigmask', 'siginfo'],
    rule:
      'GET_RSEQ_CONFIGURATION takes the size of the tracer’s structure, which may be larger than the kernel’s, and answers the kernel’s. ' +
      'SECCOMP_GET_FILTER answers how many instructions a filter has, and ENOENT behind the last.',
    since: '5.13',
    needs: [
      'root',
      'request.PTRACE_GET_RSEQ_CONFIGURATION',
      'request.PTRACE_SECCOMP_GET_FILTER',
      'option.PTRACE_O_SUSPEND_SECCOMP.setoptions',
    ],
    play(s) {
      const e = s.tracee('E', (c) => {
        c.block('SIGUSR1').killSelf('SIGUSR1').seccompFilter(seccompFilter([])).tgkillSelf('SIGUSR2');
      });
      e.cont();
      e.wait();
      e.request('GET_RSEQ_CONFIGURATION', PTRACE.GET_RSEQ_CONFIGURATION, RSEQ_SIZE, new Uint8Array(RSEQ_SIZE));
      e.request('GET_RSEQ_CONFIGURATION with more room', PTRACE.GET_RSEQ_CONFIGURATION, 64, new Uint8Array(64));
      e.request(
        'PEEKSIGINFO',
        PTRACE.PEEKSIGINFO,
        encodePeeksiginfoArgs({ offset: 0n, flags: 1, count: 4 }),
        new Uint8Array(512),
      );
      e.sigmask();
      e.request('SECCOMP_GET_FILTER 0', PTRACE.SECCOMP_GET_FILTER, 0, null);
      e.request('SECCOMP_GET_FILTER 1', PTRACE.SECCOMP_GET_FILTER, 1, null);
      e.setOptions(PTRACE_O.SUSPEND_SECCOMP);
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR2
      E: GET_RSEQ_CONFIGURATION = ${RSEQ_SIZE}
      E: GET_RSEQ_CONFIGURATION with more room = ${RSEQ_SIZE}
      E: PEEKSIGINFO = 1
      E: sigmask = SIGUSR1
      E: SECCOMP_GET_FILTER 0 = ${filterLength(0)}
      E: SECCOMP_GET_FILTER 1 = ENOENT
      E: SETOPTIONS = 0
    `,
  }),

  scenario({
    id: 'restorer-trap',
    title: 'SYSCALL again and again brings a tracee to the end of one call, and no further',
    source: [suite('criu', 'compel_stop_on_syscall'), manual('ptrace(2)', 'Syscall-stops')],
    tags: ['syscall-stop', 'threads', 'detach'],
    rule:
      'CRIU lets its code run in all threads and stops each behind a call that it knows, by the number in the registers at the entry-stop and one more ' +
      'SYSCALL. Behind it nothing of the code has run when the tracer puts the old registers back.',
    since: '5.3',
    play(s) {
      const e = s.tracee(
        'E',
        (c) => {
          c.thread((thread) => {
            thread.syscall('getpid').syscall('getppid').syscall('getuid').store('thread is behind', 1);
            thread.loop((again) => again.pause());
          });
          c.syscall('gettid').syscall('getppid').syscall('getuid').store('leader is behind', 1);
          c.loop((again) => again.pause());
        },
        { options: PTRACE_O.TRACESYSGOOD | PTRACE_O.TRACECLONE },
      );
      e.cont();
      e.wait();
      const thread = e.newTask('thread');
      thread.wait();
      for (const task of [e, thread]) {
        toEntry(task, 'getppid');
        task.syscallInfo();
        task.syscall();
        task.wait();
        task.syscallInfo();
      }
      e.result('leader is behind');
      e.result('thread is behind');
      for (const task of [e, thread]) task.detach();
      e.untilSet('leader is behind');
      e.untilSet('thread is behind');
    },
    expect: `
      E: CONT = 0
      E: wait = event CLONE
      E: event message = thread
      thread: wait = event STOP SIGTRAP
      E: syscall info = entry getppid
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit R
      thread: syscall info = entry getppid
      thread: SYSCALL = 0
      thread: wait = syscall-stop
      thread: syscall info = exit R
      E: leader is behind = 0
      E: thread is behind = 0
      E: DETACH = 0
      thread: DETACH = 0
    `,
  }),
];
