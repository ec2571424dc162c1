/** Death of tracees: SIGKILL in stops, and the order in which threads are reported. */
import { PTRACE_O } from '../../../kernel/options.js';
import type { Actor } from '../../actor.js';
import { tinyProgram } from '../../parts/programs.js';
import { throughCall, toEntry, toNextReport } from '../../parts/system-calls.js';
import { toGroupStop } from '../../parts/tracing.js';
import { commit, scenario, type Scenario } from '../../scenario.js';
import type { Stage } from '../../stage.js';
import type { Part } from '../../../raw/child.js';
import { page } from './tools.js';

const death = page('Death under ptrace');

/** A process of two seized threads: the leader sleeps or plays a part when its gate opens, the other sleeps. */
function twoThreads(s: Stage, part: Part): readonly [leader: Actor, other: Actor] {
  const leader = s.child('leader', (c) => {
    c.thread((b) => {
      b.syscall('gettid').store('other').waitUntil('other gate', '!=', 0).exit(9);
    });
    c.waitUntil('gate', '!=', 0);
    part(c);
  });
  const other = s.adopt('other', Number(leader.untilSet('other')));
  s.unrecorded(() => {
    leader.seize();
    other.seize();
  });
  return [leader, other];
}

/** The transcript of `leader-exit-alone`. */
const leaderExits = (code: number): string => `
  leader: state = Z (zombie)
  leader: poll = nothing
  leader: CONT = ESRCH
  other: INTERRUPT = 0
  other: wait = event STOP SIGTRAP
  leader: poll = nothing
  other: CONT = 0
  other: wait = exited 9
  leader: wait = exited ${code}
`;

export const deaths: readonly Scenario[] = [
  scenario({
    id: 'sigkill-in-stop',
    title: 'SIGKILL ends a tracee in every stop but EVENT_EXIT, without a restart',
    source: [death],
    tags: ['sigkill', 'death'],
    rule:
      'No ptrace-stop holds against SIGKILL, and it has no signal-delivery-stop. So a tracee may vanish under its tracer’s hands: every request may give ' +
      'ESRCH at any time, and the next wait tells why.',
    since: '3.4',
    play(s) {
      const options = PTRACE_O.TRACESYSGOOD | PTRACE_O.TRACEFORK | PTRACE_O.TRACEEXEC;
      const die = (e: Actor): void => {
        e.kill('SIGKILL');
        e.wait();
        e.cont();
      };
      const sleeper: Part = (c) => c.loop((again) => again.pause());
      die(s.tracee('EVENT_STOP', sleeper));
      die(s.tracee('signal-delivery-stop', sleeper, { by: 'attach' }));
      const group = s.tracee('group-stop', sleeper);
      s.unrecorded(() => group.cont());
      toGroupStop(group);
      die(group);
      const entry = s.tracee('syscall-enter-stop', (c) => c.syscall('getppid').exitGroup(0), { options });
      toEntry(entry, 'getppid');
      die(entry);
      const exit = s.tracee('syscall-exit-stop', (c) => c.syscall('getppid').exitGroup(0), { options });
      throughCall(exit, 'getppid');
      die(exit);
      const fork = s.tracee('event FORK', (c) => c.fork((f) => f.exitGroup(0)).exitGroup(0), { options });
      toNextReport(fork);
      die(fork);
      const exec = s.tracee('event EXEC', (c) => c.exec(tinyProgram()), { options });
      toNextReport(exec);
      die(exec);
    },
    expect: [
      'EVENT_STOP',
      'signal-delivery-stop',
      'group-stop',
      'syscall-enter-stop',
      'syscall-exit-stop',
      'event FORK',
      'event EXEC',
    ]
      .map((stop) => `${stop}: kill SIGKILL = 0\n${stop}: wait = killed by SIGKILL\n${stop}: CONT = ESRCH`)
      .join('\n'),
  }),

  scenario({
    id: 'mt-death-order',
    title: 'The end of a process is reported by its leader last, after the ends of its traced threads were consumed',
    source: [death],
    tags: ['death', 'threads', 'wait', 'order'],
    rule:
      'Every traced thread has an end of its own to report, with the same status. The leader’s stands for the process and is held back until no other thread ' +
      'is left, and a traced one is left until its tracer has reaped it: who waits for the leader only waits for ever.',
    since: '3.4',
    play(s) {
      const [leader, other] = twoThreads(s, (c) => c.exitGroup(7));
      leader.setWord('gate', 1n);
      leader.untilState('Z');
      other.untilState('Z');
      leader.look();
      other.wait();
      leader.wait();
      const [a, b] = twoThreads(s, (c) => c.exitGroup(0));
      a.tgkill('SIGTERM');
      a.wait();
      b.look();
      a.cont('SIGTERM');
      b.wait();
      a.wait();
    },
    expect: `
      leader: poll = nothing
      other: wait = exited 7
      leader: wait = exited 7
      leader: tgkill SIGTERM = 0
      leader: wait = stopped by SIGTERM
      other: poll = nothing
      leader: CONT SIGTERM = 0
      other: wait = killed by SIGTERM
      leader: wait = killed by SIGTERM
    `,
  }),

  scenario({
    id: 'leader-exit-alone',
    title: 'A leader that exits alone is a zombie whose end is not reported before the last thread has ended',
    source: [death, commit('d80f7d7b2c75', 'signal: Guarantee that SIGNAL_GROUP_EXIT is set on process exit')],
    tags: ['death', 'threads', 'wait', 'exit'],
    rule:
      'pthread_exit(3) in the main thread leaves a zombie leader in a process that lives. The tracer gets no WIFEXITED for it before the whole process is ' +
      'gone; PTRACE_EVENT_EXIT would tell at once. What is reported then was the leader’s own exit code, and is now that of the last thread, ' +
      'which is the process’s.',
    since: '3.4',
    play(s) {
      const [leader, other] = twoThreads(s, (c) => c.exit(5));
      leader.setWord('gate', 1n);
      leader.untilState('Z');
      leader.state();
      leader.look();
      leader.cont();
      other.interrupt();
      other.wait();
      leader.look();
      s.unrecorded(() => other.poke(leader.address('other gate'), 1n));
      other.cont();
      other.wait();
      leader.wait();
    },
    expect: [
      {
        since: '6.1',
        because: 'the last thread to exit sets the exit code of the process',
        transcript: leaderExits(9),
      },
      { before: '6.1', because: 'a leader keeps the exit code that it has exited with', transcript: leaderExits(5) },
    ],
  }),
];
