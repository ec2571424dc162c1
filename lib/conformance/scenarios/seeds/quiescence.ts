/** A tracee in a stop stands still until it is restarted or killed; what a SIGKILL may not hide. */
import { readdirSync } from 'node:fs';
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE_EVENT } from '../../../kernel/events.js';
import { SIG } from '../../../kernel/signals.js';
import { W } from '../../../kernel/wait-flags.js';
import { getpgid } from '../../../raw/index.js';
import { procState } from '../../../proc.js';
import type { Actor } from '../../actor.js';
import { toEntry } from '../../parts/system-calls.js';
import { manual, scenario, type Scenario } from '../../scenario.js';
import type { Beginning, Found, Stage } from '../../stage.js';
import { groupStopNotification, implementListen, utraceCleanup } from './origins.js';

const HARMLESS = ['SIGCONT', 'SIGTERM', 'SIGSTOP', 'SIGTSTP', 'SIGUSR1', 'SIGCONT'] as const;
const ROUNDS = 12;
/** Looks at the clock: the kill comes a little later in every round. */
const SPIN = 600;

/** Sends what must not move it, and looks after each. */
function isNotMoved(e: Actor): void {
  let reports = 0;
  e.stage.unrecorded(() => {
    for (const signal of HARMLESS) {
      e.kill(signal);
      if (e.poll() !== undefined) reports++;
    }
  });
  e.observe('reports after SIGCONT, SIGTERM, SIGSTOP, SIGTSTP and SIGUSR1', reports);
  e.state();
}

/** Reads registers and memory, sends signals, and reads again. */
function standsStill(e: Actor, where: string): void {
  const registers = Buffer.from(e.registers().bytes);
  const memory = (): string => `${e.word('count')} ${e.word('handled')}`;
  const before = memory();
  e.stage.unrecorded(() => {
    for (let round = 0; round < ROUNDS; round++) {
      e.tgkill('SIGUSR1');
      e.kill('SIGCONT');
      e.kill('SIGSTOP');
    }
  });
  e.observe(`registers at ${where}`, registers.equals(e.registers().bytes) ? 'as before' : 'changed');
  e.observe(`memory at ${where}`, memory() === before ? 'as before' : 'changed');
  e.look();
}

/** The processes of a group that are still alive. */
function livingOf(pgid: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      if (!Number.isInteger(pid) || pid <= 0) return false;
      try {
        return getpgid(pid) === pgid && !'ZX'.includes(procState(pid) ?? 'X');
      } catch {
        return false;
      }
    });
}

/** Takes all reports of a group until there is nothing left to wait for, and kills what has stopped. The number of ends seen. */
function drain(s: Stage, pgid: number): number {
  let ends = 0;
  s.until('the group has ended', () => {
    for (;;) {
      let found: Found | undefined;
      const result = s.attempt(() => {
        found = s.look(-pgid, W.__WALL);
      });
      if (result === 'ECHILD') return true;
      if (found === undefined) return false;
      if (found.status.kind === 'exited' || found.status.kind === 'killed') {
        s.ended(found.tid);
        ends++;
      } else {
        s.unrecorded(() => s.adopt('child', found?.tid ?? 0).kill('SIGKILL'));
      }
    }
  });
  return ends;
}

export const quiescence: readonly Scenario[] = [
  scenario({
    id: 'sigkill-breaks-trap',
    title: 'No signal but SIGKILL moves a tracee out of its stop',
    source: [utraceCleanup, manual('ptrace(2)', 'Stopped states')],
    tags: ['sigkill', 'signal-delivery-stop', 'syscall-stop', 'event-stop'],
    rule:
      'A stop belongs to the tracer: signals are queued, job control is noted, and the tracee stands. SIGCONT is no exception, since 3.0 not even in a ' +
      'group-stop. SIGKILL is the one, since who may kill a process must not be stopped by its tracer.',
    since: '3.4',
    play(s) {
      const begin = (name: string, by: Beginning): Actor =>
        s.tracee(name, (c) => c.tgkillSelf('SIGUSR2').exitGroup(0), { by, options: PTRACE_O.TRACESYSGOOD });
      const e = begin('E', 'seize');
      e.cont();
      e.wait();
      isNotMoved(e);
      e.kill('SIGKILL');
      e.wait();
      const f = begin('F', 'traceme');
      toEntry(f, 'tgkill');
      isNotMoved(f);
      f.kill('SIGKILL');
      f.wait();
      const g = begin('G', 'seize');
      g.siginfo();
      isNotMoved(g);
      g.siginfo();
      g.kill('SIGKILL');
      g.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR2
      E: reports after SIGCONT, SIGTERM, SIGSTOP, SIGTSTP and SIGUSR1 = 0
      E: state = t (tracing stop)
      E: kill SIGKILL = 0
      E: wait = killed by SIGKILL
      F: reports after SIGCONT, SIGTERM, SIGSTOP, SIGTSTP and SIGUSR1 = 0
      F: state = t (tracing stop)
      F: kill SIGKILL = 0
      F: wait = killed by SIGKILL
      G: siginfo = SIGTRAP 0x8005 from G
      G: reports after SIGCONT, SIGTERM, SIGSTOP, SIGTSTP and SIGUSR1 = 0
      G: state = t (tracing stop)
      G: siginfo = SIGTRAP 0x8005 from G
      G: kill SIGKILL = 0
      G: wait = killed by SIGKILL
    `,
  }),

  scenario({
    id: 'tracee-frozen-until-resumed',
    title: 'Registers and memory of a stopped tracee do not change, whatever signals come',
    source: [groupStopNotification, utraceCleanup],
    tags: ['registers', 'memory', 'event-stop'],
    rule:
      'Once the tracee has reported it is quiescent until it is restarted: what a tracer reads in two requests belongs together. It is what PTRACE_LISTEN ' +
      'was invented for instead of stops that repeat themselves: a tracee moves on its own only when it was asked to.',
    since: '3.4',
    play(s) {
      const e = s.child('E', (c) =>
        c.handle('SIGUSR1', (h) => h.increment('handled')).loop((again) => again.increment('count')),
      );
      e.untilSet('count');
      e.seize();
      e.interrupt();
      e.wait();
      standsStill(e, 'the event-stop');
      s.unrecorded(() => {
        // What was sent is reported; the first SIGSTOP among it leads to the group-stop.
        let status;
        do {
          e.cont(status?.kind === 'stopped' && status.signal === SIG.SIGSTOP ? 'SIGSTOP' : 0);
          status = e.wait();
        } while (status?.kind !== 'event' || status.signal !== SIG.SIGSTOP);
      });
      e.siginfo();
      standsStill(e, 'the group-stop');
    },
    expect: `
      E: SEIZE = 0
      E: INTERRUPT = 0
      E: wait = event STOP SIGTRAP
      E: registers at the event-stop = as before
      E: memory at the event-stop = as before
      E: poll = nothing
      E: siginfo = SIGSTOP 0x8013 from E
      E: registers at the group-stop = as before
      E: memory at the group-stop = as before
      E: poll = nothing
    `,
  }),

  scenario({
    id: 'cont-from-group-stop-without-look',
    title: 'CONT from a group-stop that SIGCONT has ended needs no look at it before, and the change is reported next',
    source: [groupStopNotification, implementListen],
    tags: ['group-stop', 'seize', 'listen'],
    rule:
      'A design under discussion had a tracer ask for the state of the stop before it might restart the tracee. The one that was taken does not: who does ' +
      'not care for job control restarts, and who does finds the end of the stop as the next report, before the SIGCONT itself.',
    since: '3.4',
    play(s) {
      const e = s.pauser();
      e.seize();
      e.kill('SIGSTOP');
      e.wait();
      e.cont('SIGSTOP');
      e.wait();
      e.kill('SIGCONT');
      e.poll();
      e.cont();
      e.wait();
      e.cont();
      e.wait();
      e.cont('SIGCONT');
      e.poll();
      e.rest();
      e.state();
    },
    expect: `
      E: SEIZE = 0
      E: kill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: CONT SIGSTOP = 0
      E: wait = event STOP SIGSTOP
      E: kill SIGCONT = 0
      E: poll = nothing
      E: CONT = 0
      E: wait = event STOP SIGTRAP
      E: CONT = 0
      E: wait = stopped by SIGCONT
      E: CONT SIGCONT = 0
      E: poll = nothing
      E: state = S (sleeping)
    `,
  }),

  scenario({
    id: 'sigkill-at-syscall-entry',
    title: 'SIGKILL at a syscall-enter-stop: the call is not made, its exit is not reported, the end is',
    source: [utraceCleanup, manual('ptrace(2)', 'Death under ptrace')],
    tags: ['sigkill', 'syscall-stop', 'exit'],
    rule:
      'Between SIGKILL in a stop and the end of the tracee no other report comes: who stopped it did not ask for any, and nothing of what it was about to ' +
      'do happens. With PTRACE_O_TRACEEXIT the end has its stop.',
    since: '5.10',
    play(s) {
      const e = s.tracee('E', (c) => c.fork((k) => k.pause()).exitGroup(0), {
        by: 'traceme',
        options: PTRACE_O.TRACESYSGOOD | PTRACE_O.TRACEEXIT,
      });
      const pgid = getpgid(e.tid);
      toEntry(e, 'clone');
      e.syscallInfo();
      e.kill('SIGKILL');
      e.wait();
      e.eventMessage();
      s.observe('R: others in its group', livingOf(pgid).filter((pid) => pid !== e.tid).length);
      e.syscall();
      e.wait();
    },
    expect: `
      E: syscall info = entry clone
      E: kill SIGKILL = 0
      E: wait = event EXIT
      E: event message = 0x9
      R: others in its group = 0
      E: SYSCALL = 0
      E: wait = killed by SIGKILL
    `,
  }),

  scenario({
    id: 'clone-not-missed-under-sigkill',
    title: 'When SIGKILL comes while a tracee forks, either there is no child or the child is a tracee and reports',
    source: [utraceCleanup],
    tags: ['sigkill', 'race', 'clone', 'auto-attach'],
    rule:
      'The event of a fork can be lost in the death of the tracee that forks, but its child is another process, which exists by then. It is attached when ' +
      'it is made, not when the event is reported, so its tracer finds it by its first stop.',
    needs: ['two-cpus'],
    play(s) {
      let missed = 0;
      let deaths = 0;
      let strange = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const e = s.tracee('E', (c) => c.loop((again) => again.fork((k) => k.pause())), {
          options: PTRACE_O.TRACEFORK,
        });
        const pgid = e.tid;
        s.unrecorded(() => {
          for (let forks = 0; forks < 2; forks++) {
            e.mustSucceed(e.cont(), 'CONT');
            const status = e.wait();
            if (status?.kind !== 'event' || status.event !== PTRACE_EVENT.FORK) strange++;
          }
          e.mustSucceed(e.cont(), 'CONT');
          for (let spin = 0; spin < round * SPIN; spin++) performance.now();
          e.kill('SIGKILL');
          deaths += drain(s, pgid) > 0 ? 1 : 0;
        });
        missed += livingOf(pgid).length;
      }
      s.observe('R: groups that ended', deaths);
      s.observe('R: other reports than forks', strange);
      s.observe('R: living children that never reported', missed);
    },
    expect: `
      R: groups that ended = ${ROUNDS}
      R: other reports than forks = 0
      R: living children that never reported = 0
    `,
  }),
];
