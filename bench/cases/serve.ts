/** The partner protocol: a line with a number comes in, so much work is done, a line of JSON goes out. As bench/tracer.c has it. */
import { createInterface } from 'node:readline';
import * as raw from 'linux-ptrace/raw';

export interface Answer {
  /** Nanoseconds for all of the work. */
  readonly ns: number;
  readonly [more: string]: number;
}

/** Keeps this thread, and only it, on one CPU: what Node's helper threads do elsewhere is not the tracer's cost. -1 leaves it free. */
export function pin(cpu: number): void {
  if (cpu >= 0) raw.schedSetaffinity(0, [cpu]);
}

/** Nanoseconds of the monotonic clock. */
export function now(): number {
  return performance.now() * 1e6;
}

/** Answers until nobody asks any more. */
export async function serve(work: (amount: number) => Answer | Promise<Answer>): Promise<never> {
  const lines = createInterface({ input: process.stdin });
  process.stdout.write('ready\n');
  for await (const line of lines) process.stdout.write(`${JSON.stringify(await work(Number(line)))}\n`);
  process.exit(0);
}
