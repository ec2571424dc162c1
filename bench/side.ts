/** One side of a comparison: something that can be measured again and again. */
import { spawnSync } from 'node:child_process';
import { Partner, type Answer } from './partner.js';
import type { Workshop } from './workshop.js';

/** One measurement: nanoseconds for one unit of work, and what else was counted. */
export interface Measurement {
  readonly ns: number;
  readonly more: Answer;
}

export interface Side {
  /** Measures so many units of work. */
  measure(units: number): Promise<Measurement>;
  stop(): Promise<void>;
}

export interface Place {
  readonly workshop: Workshop;
  /** CPU of the tracer; -1: any. */
  readonly tracerCpu: number;
  /** CPU of the tracee; -1: any. */
  readonly traceeCpu: number;
}

async function startTracee(place: Place, ...args: string[]): Promise<{ tracee: Partner; address: string }> {
  const tracee = Partner.start(place.traceeCpu, place.workshop.program('tracee'), args);
  return { tracee, address: await tracee.line() };
}

/** A tracer that speaks the partner protocol, with a tracee of its own. */
async function tracing(
  place: Place,
  traceeArgs: readonly string[],
  start: (pid: number, address: string) => Partner,
): Promise<Side> {
  const { tracee, address } = await startTracee(place, ...traceeArgs);
  const tracer = start(tracee.pid, address);
  try {
    await tracer.ready();
  } catch (error) {
    await tracer.stop();
    await tracee.stop();
    throw error;
  }
  // Stopped now, it reads this when it goes on.
  tracee.send('');
  return {
    measure: async (units) => {
      const answer = await tracer.ask(units);
      return { ns: answer.ns / units, more: answer };
    },
    stop: async () => {
      await tracer.stop();
      await tracee.stop();
    },
  };
}

const LOOP = ['loop', '1'];

/** A case of cases/tracer.ts. It takes its CPU itself, so that only its tracing thread is there. */
export function ours(place: Place, mode: string, traceeArgs: readonly string[] = LOOP): Promise<Side> {
  const { workshop, tracerCpu } = place;
  return tracing(place, traceeArgs, (pid, address) =>
    Partner.start(-1, process.execPath, [workshop.case('tracer'), mode, String(pid), address, String(tracerCpu)]),
  );
}

/** A mode of tracer.c. */
export function inC(place: Place, mode: string, traceeArgs: readonly string[] = LOOP): Promise<Side> {
  const { workshop, tracerCpu } = place;
  return tracing(place, traceeArgs, (pid, address) =>
    Partner.start(tracerCpu, workshop.program('tracer'), [mode, String(pid), address]),
  );
}

/** Another of our cases, with a tracee of its own. */
export function ourCase(
  place: Place,
  name: string,
  args: readonly string[],
  traceeArgs: readonly string[],
): Promise<Side> {
  const { workshop, tracerCpu } = place;
  return tracing(place, traceeArgs, (pid) =>
    Partner.start(-1, process.execPath, [workshop.case(name), ...args, String(pid), String(tracerCpu)]),
  );
}

/** A case that needs no tracee. */
export async function lonelyCase(place: Place, name: string, ...args: string[]): Promise<Side> {
  const { workshop, tracerCpu } = place;
  const partner = Partner.start(-1, process.execPath, [workshop.case(name), ...args, String(tracerCpu)]);
  await partner.ready();
  return {
    measure: async (units) => {
      const answer = await partner.ask(units);
      return { ns: answer.ns / units, more: answer };
    },
    stop: () => partner.stop(),
  };
}

/** A case that measures itself once and ends: a new process for every measurement, whatever the number of units. */
export function oneShotCase(
  place: Place,
  name: string,
  args: () => Promise<{ args: string[]; done(): Promise<void> }>,
): Side {
  return {
    measure: async () => {
      const given = await args();
      const partner = Partner.start(place.tracerCpu, process.execPath, [place.workshop.case(name), ...given.args]);
      try {
        const answer = JSON.parse(await partner.line()) as Answer;
        return { ns: answer.ns, more: answer };
      } finally {
        await partner.stop();
        await given.done();
      }
    },
    stop: () => Promise.resolve(),
  };
}

/** A process at rest, to be attached to. */
export async function resting(place: Place): Promise<{ args: string[]; done(): Promise<void> }> {
  const { tracee } = await startTracee(place, 'rest', '1');
  return { args: [String(tracee.pid)], done: () => tracee.stop() };
}

/** The tracee's own clock tells what a call costs under a tracer that runs it: two stops a call. */
export function runBy(place: Place, file: string, ...args: string[]): Side {
  return {
    measure: async (units) => {
      const calls = Math.max(10, units >> 1);
      const argv = [...args, place.workshop.program('tracee'), 'count', String(calls)];
      const tracer = Partner.start(place.tracerCpu, file, argv);
      try {
        await tracer.line();
        tracer.send('');
        const ns = Number(await tracer.line()) / 2;
        return { ns, more: { ns } };
      } finally {
        await tracer.stop();
      }
    },
    stop: () => Promise.resolve(),
  };
}

export function findStrace(): string | undefined {
  return spawnSync('strace', ['-V'], { stdio: 'ignore' }).status === 0 ? 'strace' : undefined;
}

/** The first Python that has python-ptrace. */
export function findPythonPtrace(): string | undefined {
  return ['python3', '/usr/bin/python3'].find(
    (python) => spawnSync(python, ['-c', 'import ptrace.debugger'], { stdio: 'ignore' }).status === 0,
  );
}

export function inPython(place: Place, python: string, script: string): Promise<Side> {
  return tracing(place, LOOP, (pid) => Partner.start(place.tracerCpu, python, [script, String(pid)]));
}
