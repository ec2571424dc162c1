/** strace's tests of attaching to what is there already, and of letting it go. */
import { PTRACE_O } from '../../../kernel/options.js';
import { SIG } from '../../../kernel/signals.js';
import { W } from '../../../kernel/wait-flags.js';
import { type ChildScript, CLONE } from '../../../raw/child.js';
import { anyonesPauser } from '../../parts/sleepers.js';
import { otherTracer } from '../../parts/tracing.js';
import { manual, scenario, suite, type Scenario } from '../../scenario.js';

/** A thread that tells its id in a word, and makes another one of the next name when it is told to. */
function maker(c: ChildScript, name: string, next?: string): void {
  c.syscall('gettid').store(name);
  if (next !== undefined) {
    c.waitUntil(`make ${next}`, '!=', 0).thread((thread) => {
      maker(thread, next);
    });
  }
  c.loop((again) => again.pause());
}

/** Reads a byte from a pipe that a fork of its own writes when it is told to. */
function readsPipe(c: ChildScript): void {
  c.block('SIGCHLD').pipe('pipe');
  c.fork((writer) => writer.waitUntil('write', '!=', 0).write(writer.pipeEnd('pipe', 'write'), 'x')).store('writer');
  c.syscall('read', c.pipeEnd('pipe', 'read'), c.address('byte'), 1).store('read');
  c.store('done', 1).loop((again) => again.pause());
}

export const straceAttach: readonly Scenario[] = [
  scenario({
    id: 'attach-p-eperm-already-traced',
    title: 'A process that somebody traces cannot be attached to, and /proc tells who does',
    source: [suite('strace', 'attach-p-eperm-already-traced'), manual('ptrace(2)', 'RETURN VALUE')],
    tags: ['attach', 'seize', 'errors', 'proc'],
    rule:
      'One task has one tracer. Everybody else gets EPERM, as for want of rights; TracerPid in /proc/PID/status is what a tool can tell its user. The tracee ' +
      'does not notice.',
    since: '3.4',
    play(s) {
      const e = anyonesPauser(s, 'E');
      const t = otherTracer(s, e);
      t.result('SEIZE');
      e.seize();
      e.attach();
      e.interrupt();
      e.tracer();
      e.pending();
      e.state();
    },
    expect: `
      T: SEIZE = 0
      E: SEIZE = EPERM
      E: ATTACH = EPERM
      E: INTERRUPT = ESRCH
      E: tracer = T
      E: pending = none
      E: state = S (sleeping)
    `,
  }),

  scenario({
    id: 'attach-f-p',
    title: 'All threads of a process are attached once each, when those that come meanwhile are looked for again',
    source: [suite('strace', 'attach-f-p'), manual('ptrace(2)', 'Attaching and detaching')],
    tags: ['seize', 'threads', 'clone', 'auto-attach'],
    rule:
      'Tracers attach to threads, one by one. What a thread with TRACECLONE makes is attached by itself, and to SEIZE it again gives EPERM; what one makes ' +
      'that has not got its turn yet is found only by reading /proc/PID/task once more. So a tool reads on until nothing is new, and takes EPERM for done.',
    since: '3.4',
    play(s) {
      const leader = s.child('leader', (c) => {
        for (const [name, next] of [
          ['A', undefined],
          ['B', 'D'],
        ] as const) {
          c.thread((thread) => {
            maker(thread, name, next);
          });
        }
        maker(c, 'leader', 'C');
      });
      const tid = (name: string): number => Number(leader.untilSet(name));
      const [a, b] = [s.adopt('A', tid('A')), s.adopt('B', tid('B'))];
      leader.untilSet('leader');
      leader.seize(PTRACE_O.TRACECLONE);
      a.seize(PTRACE_O.TRACECLONE);
      leader.setWord('make C', 1n);
      leader.wait();
      const c = leader.newTask('C');
      c.wait();
      leader.cont();
      c.cont();
      leader.setWord('make D', 1n);
      const d = s.adopt('D', tid('D'));
      d.tracer();
      // As a tool does that reads /proc/E/task once more.
      for (const each of [leader, a, b, c, d]) each.seize(PTRACE_O.TRACECLONE);
      for (const each of [leader, a, b, c, d]) each.tracer();
      for (const each of [leader, a, b, c, d]) each.poll();
    },
    expect: `
      leader: SEIZE = 0
      A: SEIZE = 0
      leader: wait = event CLONE
      leader: event message = C
      C: wait = event STOP SIGTRAP
      leader: CONT = 0
      C: CONT = 0
      D: tracer = nobody
      leader: SEIZE = EPERM
      A: SEIZE = EPERM
      B: SEIZE = 0
      C: SEIZE = EPERM
      D: SEIZE = 0
      leader: tracer = R
      A: tracer = R
      B: tracer = R
      C: tracer = R
      D: tracer = R
      leader: poll = nothing
      A: poll = nothing
      B: poll = nothing
      C: poll = nothing
      D: poll = nothing
    `,
  }),

  scenario({
    id: 'detach-sleeping',
    title: 'A tracee that was interrupted in a blocking call and let go goes on with the call',
    source: [suite('strace', 'detach-sleeping')],
    also: ['ptrace_attach_syscall'],
    tags: ['seize', 'attach', 'interrupt', 'detach', 'restart'],
    rule:
      'Both stops end the read with a restart code and leave no signal for the program: after DETACH it sleeps in the same call, which later gives what it ' +
      'would have given without a tracer.',
    since: '3.4',
    play(s) {
      for (const how of ['INTERRUPT', 'ATTACH']) {
        const e = s.child(how === 'INTERRUPT' ? 'E' : 'F', readsPipe);
        const writer = s.adoptFork('writer', Number(e.untilSet('writer')), e);
        e.untilAsleep();
        if (how === 'INTERRUPT') {
          e.seize();
          e.interrupt();
        } else e.attach();
        e.wait();
        e.cont();
        e.untilAsleep();
        if (how === 'INTERRUPT') e.interrupt();
        else e.tgkill('SIGSTOP');
        e.wait();
        e.detach();
        e.untilAsleep();
        e.state();
        writer.setWord('write', 1n);
        e.untilSet('done');
        e.result('read', 'its read');
      }
    },
    expect: `
      E: SEIZE = 0
      E: INTERRUPT = 0
      E: wait = event STOP SIGTRAP
      E: CONT = 0
      E: INTERRUPT = 0
      E: wait = event STOP SIGTRAP
      E: DETACH = 0
      E: state = S (sleeping)
      E: its read = 1
      F: ATTACH = 0
      F: wait = stopped by SIGSTOP
      F: CONT = 0
      F: tgkill SIGSTOP = 0
      F: wait = stopped by SIGSTOP
      F: DETACH = 0
      F: state = S (sleeping)
      F: its read = 1
    `,
  }),

  scenario({
    id: 'detach-vfork',
    title: 'A tracee that waits for its vfork child answers INTERRUPT only when the child has let go of the memory',
    source: [suite('strace', 'detach-vfork'), manual('vfork(2)', 'Signals')],
    tags: ['seize', 'interrupt', 'vfork', 'detach'],
    rule:
      'The wait of vfork is not to be interrupted but by SIGKILL. SEIZE and INTERRUPT are taken, no stop comes: a tracer that waits for it in order to ' +
      'detach hangs as long as the child does not execute or exit.',
    since: '3.4',
    play(s) {
      const e = s.child('E', (c) => {
        c.block('SIGCHLD');
        c.vfork((child) => child.waitUntil('gate', '!=', 0).exitGroup(0));
        c.store('done', 1).loop((again) => again.pause());
      });
      e.untilState('D');
      e.seize();
      e.interrupt();
      e.state();
      e.look();
      e.kill('SIGSTOP');
      e.state();
      e.look();
      e.setWord('gate', 1n);
      e.wait();
      // The SIGSTOP is another stop, if the tracer wants it.
      e.kill('SIGCONT');
      e.detach();
      e.untilSet('done');
      e.tracer();
    },
    expect: `
      E: SEIZE = 0
      E: INTERRUPT = 0
      E: state = D (disk sleep)
      E: poll = nothing
      E: kill SIGSTOP = 0
      E: state = D (disk sleep)
      E: poll = nothing
      E: wait = event STOP SIGTRAP
      E: kill SIGCONT = 0
      E: DETACH = 0
      E: tracer = nobody
    `,
  }),

  scenario({
    id: 'clone_ptrace',
    title: 'A tracee that came by CLONE_PTRACE can be detached, and its end is its real parent’s alone then',
    source: [suite('strace', 'clone_ptrace'), manual('clone(2)', 'CLONE_PTRACE')],
    tags: ['clone', 'auto-attach', 'detach', 'wait'],
    rule:
      'The tracee has decided that its child be traced; a tracer that does not follow children finds a stop of a process it does not know, and lets it go. ' +
      'It is as if it had never been traced.',
    play(s) {
      const e = s.tracee(
        'E',
        (c) => {
          c.block('SIGCHLD')
            .clone(CLONE.PTRACE | SIG.SIGCHLD, (child) => child.exitGroup(7))
            .store('child');
          c.wait4(c.word('child'), 0).store('waited').store('status', c.status);
          c.store('done', 1).loop((again) => again.pause());
        },
        { by: 'attach' },
      );
      e.cont();
      const k = s.adopt('K', Number(e.untilSet('child')));
      k.wait();
      e.poll();
      k.detach();
      e.untilSet('done');
      e.observe('waited for', s.nameOf(Number(e.word('waited'))));
      e.observe('exit code', e.word('status') >> 8n);
      k.look(W.__WALL);
    },
    expect: `
      E: CONT = 0
      K: wait = stopped by SIGSTOP
      E: poll = nothing
      K: DETACH = 0
      E: waited for = K
      E: exit code = 7
      K: poll = ECHILD
    `,
  }),
];
