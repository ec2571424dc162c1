/**
 * The two designs for a tracer that wants to hear of job control, PTRACE_LISTEN and PTRACE_JOBCTL_CONT, played with the same programs.
 *
 * docs/jobctl-cont.md shows what comes of it; a test holds the page against this.
 */
import type { Client } from '../../engine/ptrace/client.js';
import { VirtualPtrace } from '../../engine/ptrace/virtual-ptrace.js';
import { PTRACE_JOBCTL_CONT } from '../../engine/ptrace/jobctl-cont.js';
import { withKernelLayer } from '../../raw/kernel-layer.js';
import type { Actor } from '../actor.js';
import { Stage } from '../stage.js';

export type Design = 'LISTEN' | 'JOBCTL_CONT';

export const DESIGNS: readonly Design[] = ['LISTEN', 'JOBCTL_CONT'];

/** What a tracer and its tracee went through. */
export interface Outcome {
  /** What the tracer saw, step by step. */
  readonly seen: readonly string[];
  /** How often the tracee really trapped, from its group-stop on. */
  readonly traps: number;
  /** How many reports the tracer got of them. */
  readonly reports: number;
}

/** A program. `hold` is the design's request on a tracee that stands in its group-stop. */
export interface Program {
  readonly id: string;
  readonly title: string;
  readonly play: (stage: Stage, e: Actor, hold: () => void, client: Client) => void;
}

const CYCLES = 10;

export const programs: readonly Program[] = [
  {
    id: 'one-stop',
    title: 'A stop and its end',
    play: (_stage, e, hold) => {
      hold();
      e.poll();
      e.kill('SIGCONT');
      e.wait();
    },
  },
  {
    id: 'missed',
    title: 'The end comes before the request',
    play: (_stage, e, hold) => {
      e.kill('SIGCONT');
      e.poll();
      hold();
      e.wait();
    },
  },
  {
    id: 'interrupt',
    title: 'INTERRUPT meanwhile',
    play: (_stage, e, hold) => {
      hold();
      e.interrupt();
      e.wait();
    },
  },
  {
    id: 'interrupt-race',
    title: `INTERRUPT meanwhile, ${CYCLES} times: is the stop there when it returns?`,
    play: (stage, e, hold, client) => {
      let there = 0;
      stage.unrecorded(() => {
        for (let cycle = 0; cycle < CYCLES; cycle++) {
          hold();
          e.interrupt();
          if (client.attachment(e.tid)?.isStopped === true) there++;
          e.wait();
        }
      });
      stage.observe('times it was there', `${there} of ${CYCLES}`);
    },
  },
  {
    id: 'cont',
    title: 'CONT meanwhile, and the end of the stop after it',
    play: (_stage, e, hold) => {
      hold();
      e.cont();
      e.rest();
      e.kill('SIGCONT');
      e.wait();
    },
  },
  {
    id: 'requests',
    title: 'Other requests meanwhile',
    play: (_stage, e, hold) => {
      hold();
      e.siginfo();
      e.setOptions(0);
      e.detach();
      hold();
    },
  },
  {
    id: 'cycles',
    title: `${CYCLES} stops and their ends, the tracer holding between them`,
    play: (stage, e, hold) => {
      stage.unrecorded(() => {
        for (let cycle = 0; cycle < CYCLES; cycle++) {
          hold();
          e.kill('SIGCONT');
          e.wait();
          e.cont();
          e.wait();
          e.cont();
          e.untilAsleep();
          if (cycle + 1 < CYCLES) toGroupStop(e);
        }
      });
    },
  },
  {
    id: 'burst',
    title: 'The end, another stop and its end, faster than the tracer looks',
    play: (_stage, e, hold) => {
      hold();
      e.kill('SIGCONT');
      e.kill('SIGSTOP');
      e.kill('SIGCONT');
      e.wait();
    },
  },
];

function toGroupStop(e: Actor): void {
  e.stage.unrecorded(() => {
    e.kill('SIGSTOP');
    e.wait();
    e.cont('SIGSTOP');
    e.wait();
  });
}

/** Plays a program on a design. */
export function playDesign(program: Program, design: Design): Outcome {
  const virtual = new VirtualPtrace();
  const stage = new Stage();
  try {
    const client = virtual.client();
    return withKernelLayer(client, () => {
      const e = stage.pauser();
      stage.unrecorded(() => {
        e.seize();
      });
      toGroupStop(e);
      const before = virtual.find(e.tid)?.stopId ?? 0;
      const hold = (): void => {
        if (design === 'LISTEN') e.listen();
        else e.request('JOBCTL_CONT', PTRACE_JOBCTL_CONT, 0, 0);
      };
      let reports = 0;
      const wait = e.wait.bind(e);
      const look = e.look.bind(e);
      e.wait = (flags) => {
        const status = wait(flags);
        if (status !== undefined) reports++;
        return status;
      };
      e.look = (flags) => {
        const status = look(flags);
        if (status !== undefined) reports++;
        return status;
      };
      program.play(stage, e, hold, client);
      const traps = (virtual.find(e.tid)?.stopId ?? 0) - before;
      return { seen: stage.lines.map((line) => line.replace(/^E: /, '')), traps, reports };
    });
  } finally {
    const left = stage.close();
    virtual.abandon();
    if (left.length > 0) process.emitWarning(`not to be ended: ${left.join(', ')}`);
  }
}

/** The page's table: what differs shows side by side. */
export function comparison(): string {
  const rows: string[] = [];
  for (const program of programs) {
    const [listen, jobctl] = DESIGNS.map((design) => playDesign(program, design));
    if (listen === undefined || jobctl === undefined) continue;
    const seen = (outcome: Outcome): string =>
      outcome.seen.length === 0 ? '' : outcome.seen.map((line) => `\`${line}\``).join('<br>');
    rows.push(
      `| ${program.title} | ${seen(listen)} | ${seen(jobctl)} | ${listen.reports} / ${listen.traps} | ${jobctl.reports} / ${jobctl.traps} |`,
    );
  }
  return [
    '| Program | LISTEN: the tracer sees | JOBCTL_CONT: the tracer sees | LISTEN: reports / traps | JOBCTL_CONT: reports / traps |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}
