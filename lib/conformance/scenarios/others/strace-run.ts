/** strace's tests of programs under a tracer: signals over an execve, many threads, early deaths, restarted calls, a tracer that dies. */
import { PTRACE_EVENT } from '../../../kernel/events.js';
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE } from '../../../kernel/requests.js';
import { signalSetText } from '../../describe.js';
import { W } from '../../../kernel/wait-flags.js';
import { procStatus } from '../../../proc.js';
import { result } from '../../../raw/child.js';
import { request } from '../../../raw/index.js';
import type { Actor } from '../../actor.js';
import { tinyProgram } from '../../parts/programs.js';
import { ask } from '../../parts/script-requests.js';
import { seccompFilter, VERDICT } from '../../parts/seccomp-filter.js';
import { commit, manual, scenario, suite, type Scenario } from '../../scenario.js';

const LOOPERS = 4;
const STOPS_EACH = 10;
const KILLED_CHILDREN = 20;
const ERESTART_RESTARTBLOCK = 516n;

/** What a process does with signals, by /proc. */
function dispositions(e: Actor): void {
  const status = e.stage.require(procStatus(e.tid), 'it lives');
  e.observe('blocked', signalSetText(status.sigBlk));
  e.observe('pending', signalSetText(status.sigPnd | status.shdPnd));
  e.observe('ignored', signalSetText(status.sigIgn));
  e.observe('caught', signalSetText(status.sigCgt));
}

export const straceRun: readonly Scenario[] = [
  scenario({
    id: 'sigblock',
    title: 'Blocked, pending and ignored signals of a traced process outlive its execve; handlers do not',
    source: [
      suite('strace', 'sigblock.test'),
      suite('strace', 'sigign.test'),
      manual('execve(2)', 'Effect on process attributes'),
    ],
    also: ['sigign', 'interactive_block', 'block_reset_*'],
    tags: ['exec', 'signals', 'sigmask'],
    rule:
      'A program that a tracer starts inherits what the starting process does with signals, so a tracer that blocks or ignores some for itself has to undo ' +
      'that before the execve. Neither ptrace nor its stops change anything of it.',
    play(s) {
      const e = s.tracee(
        'E',
        (c) => {
          c.block('SIGUSR1')
            .ignore('SIGUSR2')
            .handle('SIGHUP', () => undefined);
          c.killSelf('SIGUSR1').exec(tinyProgram());
        },
        { options: PTRACE_O.TRACEEXEC },
      );
      e.cont();
      e.wait();
      dispositions(e);
      e.sigmask();
    },
    expect: `
      E: CONT = 0
      E: wait = event EXEC
      E: blocked = SIGUSR1
      E: pending = SIGUSR1
      E: ignored = SIGUSR2
      E: caught = none
      E: sigmask = SIGUSR1
    `,
  }),

  scenario({
    id: 'looping_threads',
    title: 'A tracer that takes all reports before it resumes anybody serves every thread of a busy process',
    source: [suite('strace', 'looping_threads')],
    tags: ['threads', 'syscall-stop', 'wait'],
    rule:
      'wait4 for any looks at the tracees in a fixed order and gives the first that has something. A tracer that resumes each at once may see only the first ' +
      'few for ever; one that waits until nothing more is there gets them all.',
    since: '3.4',
    play(s) {
      const e = s.child('E', (c) => {
        for (let n = 1; n <= LOOPERS; n++) {
          c.thread((thread) => thread.syscall('gettid').store(`tid ${n}`).getppidLoop());
        }
        c.loop((again) => again.pause());
      });
      const threads = Array.from({ length: LOOPERS }, (_, n) =>
        s.adopt(`thread ${n + 1}`, Number(e.untilSet(`tid ${n + 1}`))),
      );
      const stops = new Map(threads.map(({ tid }) => [tid, 0]));
      s.unrecorded(() => {
        for (const thread of threads) {
          thread.mustSucceed(thread.seize(PTRACE_O.TRACESYSGOOD), 'SEIZE');
          thread.mustSucceed(thread.interrupt(), 'INTERRUPT');
        }
      });
      s.until('every thread has had its stops', () => {
        const found: number[] = [];
        for (let next = s.look(-1, W.__WALL); next !== undefined; next = s.look(-1, W.__WALL)) found.push(next.tid);
        for (const tid of found) {
          stops.set(tid, (stops.get(tid) ?? 0) + 1);
          request(PTRACE.SYSCALL, tid, 0, 0);
        }
        return [...stops.values()].every((count) => count >= STOPS_EACH);
      });
      s.observe(`threads with ${STOPS_EACH} stops or more`, [...stops.values()].filter((n) => n >= STOPS_EACH).length);
      s.observe('tasks with a stop', stops.size);
    },
    expect: `
      threads with 10 stops or more = 4
      tasks with a stop = 4
    `,
  }),

  scenario({
    id: 'kill_child',
    title:
      'Children that SIGKILL meets right after their fork are reported to the tracer once, by their death at the latest',
    source: [suite('strace', 'kill_child')],
    tags: ['fork', 'sigkill', 'auto-attach', 'race', 'wait'],
    rule:
      'The tracer sees EVENT_FORK of the parent, then a stop of the child or at once its end; a request to it may find it gone (ESRCH). Whatever the order, ' +
      'there is one end for each child, and the real parent can reap it when the tracer has.',
    since: '3.4',
    play(s) {
      const e = s.tracee(
        'E',
        (c) => {
          c.block('SIGCHLD').loop((again) => {
            again.fork((child) => child.loop((forever) => forever.pause())).set(result, 1);
            again.kill(again.register(1), 'SIGKILL').wait4(again.register(1), W.__WALL);
            again.when(result, '==', again.register(1), (reaped) => reaped.increment('reaped'));
          }, KILLED_CHILDREN);
          c.store('done', 1).loop((again) => again.pause());
        },
        { options: PTRACE_O.TRACEFORK },
      );
      const forked = new Set<bigint>();
      let ends = 0;
      const odd = new Set<string>();
      const resume = (tid: number): string => s.attempt(() => request(PTRACE.CONT, tid, 0, 0));
      e.cont();
      s.until('all children were reaped', () => {
        for (let next = s.look(-1, W.__WALL); next !== undefined; next = s.look(-1, W.__WALL)) {
          const { tid, status } = next;
          if (tid === e.tid) {
            const message = s.unrecorded(() => e.eventMessage());
            if (status.kind === 'event' && status.event === PTRACE_EVENT.FORK) forked.add(message ?? 0n);
            else odd.add(`E ${status.kind}`);
            if (resume(tid) !== '0') odd.add('E not resumed');
          } else if (status.kind === 'killed') ends++;
          else if (status.kind === 'event' && status.event === PTRACE_EVENT.STOP) resume(tid);
          else odd.add(status.kind);
        }
        return e.word('done') === 1n;
      });
      e.observe('forks reported', forked.size);
      e.observe('ends reported', ends);
      e.observe('children reaped by it', e.word('reaped'));
      s.observe('other reports', [...odd].join(', ') || 'none');
    },
    expect: `
      E: CONT = 0
      E: forks reported = ${KILLED_CHILDREN}
      E: ends reported = ${KILLED_CHILDREN}
      E: children reaped by it = ${KILLED_CHILDREN}
      other reports = none
    `,
  }),

  scenario({
    id: 'restart_syscall-p',
    title: 'A sleep that INTERRUPT or ATTACH has met goes on as restart_syscall, which the tracer sees entered',
    source: [suite('strace', 'restart_syscall-p'), manual('restart_syscall(2)', 'DESCRIPTION')],
    tags: ['restart', 'attach', 'interrupt', 'syscall-stop'],
    rule:
      'The sleep has to go on for what is left of it, so it is not called again but restarted by a call of its own, with no arguments. A tool that attaches ' +
      'to a sleeper shows that one. On x86 the result register has the restart code at the stop; arm64 has put back the first argument before.',
    since: '5.3',
    play(s) {
      for (const how of ['INTERRUPT', 'ATTACH']) {
        const e = s.child(how === 'INTERRUPT' ? 'E' : 'F', (c) => c.loop((again) => again.nanosleep(1_000_000)));
        e.untilAsleep();
        if (how === 'INTERRUPT') {
          e.seize(PTRACE_O.TRACESYSGOOD);
          e.interrupt();
          e.wait();
        } else {
          e.attach();
          e.wait();
          e.setOptions(PTRACE_O.TRACESYSGOOD);
        }
        e.observe('result is -ERESTART_RESTARTBLOCK', e.registers().result === -ERESTART_RESTARTBLOCK);
        e.syscall();
        e.wait();
        e.syscallInfo();
        e.syscall();
        e.poll();
      }
    },
    expect: [
      { arch: 'x64', because: 'the registers are changed after the stop', transcript: restartTranscript(true) },
      { arch: 'arm64', because: 'arm64 changes the registers before the stop', transcript: restartTranscript(false) },
    ],
  }),

  scenario({
    id: 'filter_seccomp-exitkill',
    title:
      'When the tracer is gone RET_TRACE makes calls fail with ENOSYS, so a tracer that relies on it needs EXITKILL',
    source: [
      suite('strace', 'filter_seccomp-exitkill'),
      commit('992fb6e17063', 'ptrace: introduce PTRACE_O_EXITKILL'),
      manual('seccomp(2)', 'SECCOMP_RET_TRACE'),
    ],
    needs: ['seccomp-filters'],
    tags: ['seccomp', 'exitkill', 'tracer-death'],
    rule:
      'A filter outlives the tracer that had it installed. Calls that it sends to the tracer are not made then and fail, and the program goes wrong in ways ' +
      'that nobody tested; with EXITKILL it dies with its tracer.',
    since: '3.8',
    play(s) {
      const make = (name: string): Actor =>
        s.child(name, (c) => {
          c.setPtracerAny().seccompFilter(seccompFilter([['getppid', VERDICT.trace(0)]]));
          c.waitUntil('gate', '!=', 0).syscall('getppid').store('getppid');
          c.store('done', 1).loop((again) => again.pause());
        });
      const [e, f] = [make('E'), make('F')];
      const t = s.child('T', (c) => {
        ask(c, 'SEIZE of E', PTRACE.SEIZE, e.tid, 0, PTRACE_O.TRACESECCOMP);
        ask(c, 'SEIZE of F', PTRACE.SEIZE, f.tid, 0, PTRACE_O.TRACESECCOMP | PTRACE_O.EXITKILL);
        c.store('done', 1).loop((again) => again.pause());
      });
      t.untilSet('done');
      t.result('SEIZE of E');
      t.result('SEIZE of F');
      t.kill('SIGKILL');
      t.wait();
      f.wait();
      e.setWord('gate', 1n);
      e.untilSet('done');
      e.result('getppid');
      e.tracer();
    },
    expect: `
      T: SEIZE of E = 0
      T: SEIZE of F = 0
      T: kill SIGKILL = 0
      T: wait = killed by SIGKILL
      F: wait = killed by SIGKILL
      E: getppid = ENOSYS
      E: tracer = nobody
    `,
  }),
];

function restartTranscript(code: boolean): string {
  return `
    E: SEIZE = 0
    E: INTERRUPT = 0
    E: wait = event STOP SIGTRAP
    E: result is -ERESTART_RESTARTBLOCK = ${code}
    E: SYSCALL = 0
    E: wait = syscall-stop
    E: syscall info = entry restart_syscall
    E: SYSCALL = 0
    E: poll = nothing
    F: ATTACH = 0
    F: wait = stopped by SIGSTOP
    F: SETOPTIONS = 0
    F: result is -ERESTART_RESTARTBLOCK = ${code}
    F: SYSCALL = 0
    F: wait = syscall-stop
    F: syscall info = entry restart_syscall
    F: SYSCALL = 0
    F: poll = nothing
  `;
}
