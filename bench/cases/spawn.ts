/**
 * From spawn to the first stop, in a process of a given size.
 *
 *   spawn MEGABYTES CPU
 *
 * Every line with a number spawns so many programs, one after the other.
 */
import { Tracer } from 'linux-ptrace';
import { now, pin, serve } from './serve.js';

const [megabytes = '0', cpu = '-1'] = process.argv.slice(2);
pin(Number(cpu));
const CHUNK = 1 << 20;
const ballast: Buffer[] = [];
while (process.memoryUsage.rss() < Number(megabytes) * 1e6) ballast.push(Buffer.alloc(CHUNK, 1));
const tracer = new Tracer();

await serve(async (n) => {
  let ns = 0;
  for (let count = 0; count < n; count++) {
    const begin = now();
    const tracee = await tracer.spawn('/bin/true', [], { stdio: 'null' });
    ns += now() - begin;
    let stop = await tracee.resume();
    while (stop.kind !== 'exited' && stop.kind !== 'killed') stop = await tracee.resume();
  }
  return { ns, megabytes: process.memoryUsage.rss() / 1e6, ballast: ballast.length };
});
