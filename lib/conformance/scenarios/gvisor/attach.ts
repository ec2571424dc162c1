/** ATTACH: to oneself, to a parent, to a stopped process, and by many while the tracee executes programs. */
import { PTRACE } from '../../../kernel/requests.js';
import { W } from '../../../kernel/wait-flags.js';
import { result } from '../../../raw/child.js';
import { MAP, READ_WRITE } from '../../parts/memory-map.js';
import { executable, scratchDirectory } from '../../parts/scratch.js';
import { ask } from '../../parts/script-requests.js';
import { tellFound, waitInto } from '../../parts/script-waits.js';
import { needsScope } from '../../parts/yama.js';
import { manual, scenario, type Scenario } from '../../scenario.js';
import { gvisorTest, inTurns, turn } from './tools.js';

const PAGE = 4096;
const TRACERS = 3;
const EXECS = 20;

export const attach: readonly Scenario[] = [
  scenario({
    id: 'AttachSelf',
    title: 'A thread cannot attach to itself: EPERM',
    source: [gvisorTest('AttachSelf')],
    tags: ['attach', 'seize', 'errors'],
    rule: 'Nobody can stop and at once act on the stop. The kernel refuses before it looks at any permission, ATTACH as well as SEIZE.',
    since: '3.4',
    play(s) {
      const e = s.child('E', (c) => {
        inTurns(c, () => {
          c.syscall('gettid').set(result, 1);
          ask(c, 'ATTACH of itself', PTRACE.ATTACH, c.register(1));
          ask(c, 'SEIZE of itself', PTRACE.SEIZE, c.register(1));
        });
      });
      turn(e);
      e.result('ATTACH of itself');
      e.result('SEIZE of itself');
      e.tracer();
    },
    expect: `
      E: ATTACH of itself = EPERM
      E: SEIZE of itself = EPERM
      E: tracer = nobody
    `,
  }),

  scenario({
    id: 'AttachSameThreadGroup',
    title: 'A thread cannot attach to another thread of its process: EPERM',
    source: [gvisorTest('AttachSameThreadGroup')],
    tags: ['attach', 'seize', 'threads', 'errors'],
    rule:
      'Tracer and tracee must be of two processes: a signal that stops or ends the process would otherwise take the tracer with it. It holds both ways, ' +
      'for a thread and for the leader.',
    since: '3.4',
    play(s) {
      const e = s.child('E', (c) => {
        c.syscall('getpid').store('leader');
        c.thread((thread) => {
          ask(thread, 'ATTACH of the leader by a thread', PTRACE.ATTACH, thread.word('leader'));
          ask(thread, 'SEIZE of the leader by a thread', PTRACE.SEIZE, thread.word('leader'));
          thread.store('thread done', 1).loop((again) => again.pause());
        }).store('thread');
        inTurns(c, () => {
          c.waitUntil('thread done', '!=', 0);
          ask(c, 'ATTACH of the thread by the leader', PTRACE.ATTACH, c.word('thread'));
          ask(c, 'SEIZE of the thread by the leader', PTRACE.SEIZE, c.word('thread'));
        });
      });
      turn(e);
      for (const word of ['ATTACH of the leader by a thread', 'SEIZE of the leader by a thread']) e.result(word);
      for (const word of ['ATTACH of the thread by the leader', 'SEIZE of the thread by the leader']) e.result(word);
    },
    expect: `
      E: ATTACH of the leader by a thread = EPERM
      E: SEIZE of the leader by a thread = EPERM
      E: ATTACH of the thread by the leader = EPERM
      E: SEIZE of the thread by the leader = EPERM
    `,
  }),

  scenario({
    id: 'AttachParent_PeekData_PokeData_SignalSuppression',
    title:
      'A child can attach to its parent, read and write its memory, and detach without the SIGSTOP being delivered',
    source: [
      gvisorTest('AttachParent_PeekData_PokeData_SignalSuppression'),
      manual('ptrace(2)', 'Attaching and detaching'),
    ],
    tags: ['attach', 'detach', 'memory', 'real-parent'],
    rule:
      'Descent does not matter where Yama is not there or was told so. POKEDATA in a shared file mapping writes the file; in private memory the page is the ' +
      'tracee’s own. DETACH with signal 0 drops the SIGSTOP of ATTACH: the parent, in wait4 for its child, never knows.',
    play(s) {
      needsScope(s, 0, 1);
      const p = s.child('P', (c) => {
        c.setPtracerAny().syscall('memfd_create', 'shared', 0).store('file');
        c.syscall('ftruncate', c.word('file'), PAGE);
        c.syscall('mmap', 0, PAGE, READ_WRITE, MAP.SHARED, c.word('file'), 0).store('mapping');
        c.store('private', 10).syscall('getpid').store('P');
        c.fork((child) => {
          inTurns(child, () => {
            const parent = child.word('P');
            ask(child, 'ATTACH', PTRACE.ATTACH, parent);
            waitInto(child, 'its wait', parent);
            for (const [word, at, value] of [
              ['private', child.address('private'), 20],
              ['shared', child.word('mapping'), 30],
            ] as const) {
              const read = child.address(`${word} as read`);
              ask(child, `PEEKDATA of ${word} memory`, PTRACE.PEEKDATA, parent, at, read);
              ask(child, `POKEDATA of ${word} memory`, PTRACE.POKEDATA, parent, at, value);
            }
            ask(child, 'DETACH', PTRACE.DETACH, parent);
          });
        }).store('C');
        c.wait4(c.word('C'), 0).store('waited');
        c.syscall('pread64', c.word('file'), c.address('read'), 8, 0);
        c.store('reaped', 1).loop((again) => again.pause());
      });
      const child = s.adoptFork('C', Number(p.untilSet('C')), p);
      p.untilAsleep();
      turn(child);
      child.result('ATTACH');
      tellFound(child, 'its wait');
      for (const word of ['private', 'shared']) {
        child.result(`PEEKDATA of ${word} memory`);
        child.result(`${word} as read`);
        child.result(`POKEDATA of ${word} memory`);
      }
      child.result('DETACH');
      p.untilAsleep();
      p.state();
      child.kill('SIGKILL');
      p.untilSet('reaped');
      p.observe('its wait', s.nameOf(Number(p.word('waited'))));
      p.result('private', 'private memory');
      p.result('read', 'the file');
    },
    expect: `
      C: ATTACH = 0
      C: its wait = P stopped by SIGSTOP
      C: PEEKDATA of private memory = 0
      C: private as read = 10
      C: POKEDATA of private memory = 0
      C: PEEKDATA of shared memory = 0
      C: shared as read = 0
      C: POKEDATA of shared memory = 0
      C: DETACH = 0
      P: state = S (sleeping)
      C: kill SIGKILL = 0
      P: its wait = C
      P: private memory = 20
      P: the file = 30
    `,
  }),

  scenario({
    id: 'AttachingConvertsGroupStopToPtraceStop',
    title:
      'ATTACH turns a finished group-stop into a ptrace-stop; after DETACH the process is stopped as before, with no second notice',
    source: [gvisorTest('AttachingConvertsGroupStopToPtraceStop'), manual('ptrace(2)', 'Group-stop')],
    also: ['already-stopped-attach'],
    tags: ['attach', 'detach', 'group-stop', 'real-parent'],
    rule:
      'The stop is reported again to the tracer, by its signal and without siginfo. DETACH leaves the group-stop as it was: the real parent, who knows of it ' +
      'already, hears nothing until SIGCONT. A debugger needs no second SIGSTOP to attach to a stopped process; before 3.0 it did.',
    since: '3.0',
    play(s) {
      const e = s.pauser();
      e.kill('SIGSTOP');
      e.wait(W.WUNTRACED);
      e.state();
      e.attach();
      e.wait();
      e.state();
      e.setOptions(0);
      e.siginfo();
      e.detach();
      e.poll(W.WUNTRACED);
      e.state();
      e.kill('SIGCONT');
      e.wait(W.WCONTINUED);
      e.untilAsleep();
      e.state();
    },
    expect: `
      E: kill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: state = T (stopped)
      E: ATTACH = 0
      E: wait = stopped by SIGSTOP
      E: state = t (tracing stop)
      E: SETOPTIONS = 0
      E: siginfo = EINVAL
      E: DETACH = 0
      E: poll = nothing
      E: state = T (stopped)
      E: kill SIGCONT = 0
      E: wait = continued
      E: state = S (sleeping)
    `,
  }),

  scenario({
    id: 'ExecvePtraceLockStress',
    title: 'Many tracers that attach to a process while it executes programs block neither it nor each other',
    source: [gvisorTest('ExecvePtraceLockStress')],
    tags: ['attach', 'exec', 'race'],
    rule:
      'An execve holds the lock that ATTACH takes (cred_guard_mutex), so that nobody attaches between the check of rights and the change of rights. Whoever ' +
      'comes meanwhile waits for it, and must be let in or refused when it is done; none may be left waiting.',
    since: '3.4',
    play(s) {
      needsScope(s, 0, 1);
      // The execve has taken the lock when it finds that this is no program, and E lives on.
      const file = executable(scratchDirectory(s), 'no-program', 'plain text');
      const e = s.child('E', (c) => {
        c.setPtracerAny().loop((again) => {
          again.exec(file).store('execve').increment('execs');
        });
      });
      const tracers = Array.from({ length: TRACERS }, (_, index) =>
        s.child(`T${index + 1}`, (c) => {
          c.loop((again) => {
            ask(again, 'attached', PTRACE.SEIZE, e.tid);
            again.when(result, '==', 0, (attached) => {
              ask(attached, 'interrupted', PTRACE.INTERRUPT, e.tid);
              attached.wait4(e.tid, W.__WALL);
              ask(attached, 'detached', PTRACE.DETACH, e.tid);
              attached.increment('rounds').syscall('sched_yield');
            });
          });
        }),
      );
      s.until('every tracer has tried and E has gone on', () => {
        return e.word('execs') >= EXECS && tracers.every((t) => t.word('rounds') >= 1n);
      });
      e.result('execve');
      s.observe('tracers that got in', tracers.filter((t) => t.word('rounds') >= 1n).length);
      e.observe('goes on', e.word('execs') >= EXECS);
    },
    expect: `
      E: execve = ENOEXEC
      tracers that got in = 3
      E: goes on = true
    `,
  }),
];
