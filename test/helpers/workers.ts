import { once } from 'node:events';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { afterEach } from 'vitest';
import { dist } from './dist.js';
import { within } from './processes.js';

const workers = new Set<Worker>();

afterEach(async () => {
  const left = [...workers];
  workers.clear();
  await Promise.all(left.map((worker) => worker.terminate()));
});

/**
 * A Worker with the built package, ended after the test. Its code is the body of an async function that knows `Tracer`, `isEnd`, `raw`, `child` (the
 * scripts: `script`, `start`), `data` (workerData), `post` (a message to the test), `message` (the next one from the test), `stateOf` and `until`.
 */
export function tracerWorker(body: string, data?: unknown, options?: WorkerOptions): Worker {
  const source = `
    import { parentPort, workerData as data } from 'node:worker_threads';
    import { Tracer, isEnd } from '${dist('index.js')}';
    import * as raw from '${dist('raw/index.js')}';
    import * as child from '${dist('raw/child.js')}';
    import { readFileSync } from 'node:fs';
    import { setTimeout as delay } from 'node:timers/promises';
    const post = (value) => parentPort.postMessage(value);
    const message = () => new Promise((resolve) => parentPort.once('message', resolve));
    const stateOf = (tid) => {
      try { return /^State:\\s+(.)/m.exec(readFileSync('/proc/' + tid + '/status', 'latin1'))[1]; } catch { return undefined; }
    };
    const until = async (condition) => { while (!(await condition())) await delay(1); };
    ${body}
  `;
  const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  const worker = new Worker(url, { ...options, workerData: data });
  workers.add(worker);
  worker.on('exit', () => workers.delete(worker));
  return worker;
}

/** The next message of a Worker, or the error it ended with. */
export async function heardFrom<T>(worker: Worker, what: string, milliseconds?: number): Promise<T> {
  const [message] = (await within(once(worker, 'message'), what, milliseconds)) as [T];
  return message;
}
