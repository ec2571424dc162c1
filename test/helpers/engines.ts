/** What tests of engines need: a session that is closed after the test, whose faults fail it unless they are expected. */
import { afterEach, expect } from 'vitest';
import type { Engine, EngineThread } from '../../lib/engine/index.js';
import { ATTACH, type EngineOps, Engines, EVENT, type Fault, UTRACE, type Vote } from '../../lib/engine/index.js';
import { describeProcess, until, within } from './processes.js';
// Registered before the hook below, so that it runs after it: children are reaped when nothing traces them any more.
export { child, isGone, pauser, send, stormer, threaded, until, within } from './tracing.js';

const sessions = new Set<Engines>();

afterEach(async () => {
  const left = [...sessions];
  sessions.clear();
  for (const session of left) {
    await within(session.close(), () => `closes: ${session.threads.map(({ tid }) => describeProcess(tid)).join('; ')}`);
  }
});

export interface Session {
  readonly engines: Engines;
  /** What engines did that they must not. A test that expects none need not look. */
  readonly faults: Fault[];
}

export function session(): Session {
  const faults: Fault[] = [];
  const engines = new Engines({ onFault: (fault) => faults.push(fault) });
  sessions.add(engines);
  return { engines, faults };
}

/** Attaches a new engine with its events. */
export function attach(
  engines: Engines,
  target: number | EngineThread,
  events: number,
  ops: EngineOps,
  timeout?: number,
): Engine {
  const engine = engines.attach(target, ATTACH.CREATE, ops, undefined, timeout === undefined ? undefined : { timeout });
  expect(engine.setEvents(events)).toBe(0);
  return engine;
}

/** A promise and who settles it. */
export class Deferred<T = void> {
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

export const nothing = (): Vote => undefined;

/** Holds a running thread by an engine of its own: resolves when it stands. */
export async function hold(engines: Engines, tid: number): Promise<Engine> {
  const stands = new Deferred();
  const engine = attach(engines, tid, EVENT.QUIESCE, {
    reportQuiesce: (_action, _own, event) => {
      stands.resolve();
      // A stop at the exit is one that nothing breaks.
      return event === EVENT.EXIT ? UTRACE.RESUME : UTRACE.STOP;
    },
  });
  expect(engine.control(UTRACE.STOP)).toBe('EINPROGRESS');
  await within(stands.promise, `${tid} reports`);
  await until(() => engine.control(UTRACE.STOP) === 0, `${tid} is held`);
  return engine;
}
