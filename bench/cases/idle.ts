/**
 * The CPU time that this process needs while its tracees have nothing to report.
 *
 *   idle PID CPU
 *
 * Every line with a number waits for a stop for so many milliseconds; `ns` is the CPU time of all threads of this process.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Tracer } from 'linux-ptrace';
import { pin, serve } from './serve.js';

const [pid = '0', cpu = '-1'] = process.argv.slice(2);
pin(Number(cpu));
const tracer = new Tracer({ events: [] });
const tracees = await tracer.attach(Number(pid));
for (const tracee of tracees) tracee.resume();
void tracer.wait().then((stop) => {
  throw new Error(`a tracee that should rest came to a ${stop.kind} stop`);
});

await serve(async (milliseconds) => {
  // What the attaching left to be done, and the collection of what it left behind, is over then.
  await sleep(200);
  const before = process.cpuUsage();
  await sleep(milliseconds);
  const { user, system } = process.cpuUsage(before);
  return { ns: (user + system) * 1000, tracees: tracees.length };
});
