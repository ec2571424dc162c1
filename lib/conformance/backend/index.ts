/** What scenarios can be played on beside the kernel itself. */
import { EVENT_SYSCALL } from '../../engine/events.js';
import { ATTACH } from '../../engine/seat.js';
import { UTRACE } from '../../engine/actions.js';
import type { EngineOps } from '../../engine/callbacks.js';
import { VirtualPtrace } from '../../engine/ptrace/virtual-ptrace.js';
import { withKernelLayer } from '../../raw/kernel-layer.js';
import { type Outcome, play, type PlayOptions } from '../play.js';
import type { Scenario } from '../scenario.js';

export const BACKENDS = ['kernel', 'virtual', 'virtual-logged'] as const;

/**
 * - `kernel`: the kernel's own ptrace
 * - `virtual`: a client of the virtual ptrace, alone on its tracees
 * - `virtual-logged`: the same, while an engine of no client counts every system call of the tracees
 */
export type Backend = (typeof BACKENDS)[number];

/** What the unrelated engine has seen, for tests that want to know that it was there. */
export interface Log {
  entries: number;
  exits: number;
}

/** An engine that wants every system call, and nothing else. */
function logger(log: Log): EngineOps {
  return {
    reportSyscallEntry: () => {
      log.entries++;
    },
    reportSyscallExit: () => {
      log.exits++;
    },
  };
}

/** Puts an engine that logs system calls on every thread as soon as a client is there, and takes it away with the last client. */
export function logAll(virtual: VirtualPtrace): Log {
  const log: Log = { entries: 0, exits: 0 };
  const ops = logger(log);
  virtual.onPeopled = (thread) => {
    const engine = virtual.engines.attach(thread, ATTACH.CREATE, ops, log);
    engine.setEvents(EVENT_SYSCALL);
  };
  virtual.onDeserted = (thread) => {
    for (const engine of thread.engines) if (engine.data === log) engine.control(UTRACE.DETACH);
  };
  return log;
}

/** Plays a scenario on a backend. */
export function playOn(backend: Backend, scenario: Scenario, options: PlayOptions): Outcome {
  if (backend === 'kernel') return play(scenario, options);
  const faults: string[] = [];
  const virtual = new VirtualPtrace({
    onFault: ({ callback, error }) => {
      faults.push(`${callback}: ${error instanceof Error ? error.message : String(error)}`);
    },
  });
  if (backend === 'virtual-logged') logAll(virtual);
  try {
    const client = virtual.client();
    const outcome = withKernelLayer(client, () => play(scenario, options));
    const { requests } = client;
    const [fault] = faults;
    // What had to be left to the kernel's own ptrace tells of that.
    const passed = client.passedOn.size > 0 ? 'a child that said PTRACE_TRACEME could not be taken over' : undefined;
    const reason = fault ?? passed;
    return reason === undefined ? { ...outcome, requests } : { ...outcome, requests, verdict: 'fail', reason };
  } finally {
    virtual.abandon();
  }
}
