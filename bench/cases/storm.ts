/**
 * How long a timer waits for its turn while stops come without end.
 *
 *   storm await|iterate PID CPU
 *
 * Every line with a number traces for so many milliseconds; `ns` is the longest time between two turns of a timer.
 */
import { Tracer } from 'linux-ptrace';
import { now, pin, serve } from './serve.js';

const [mode = '', pid = '0', cpu = '-1'] = process.argv.slice(2);
pin(Number(cpu));
const tracer = new Tracer({ events: [], resume: 'syscall' });
const [tracee] = await tracer.attach(Number(pid));
if (tracee === undefined) throw new Error(`process ${pid} has no threads`);

await serve(async (milliseconds) => {
  let longest = 0;
  let turns = 0;
  let turn = now();
  const timer = setInterval(() => {
    const at = now();
    longest = Math.max(longest, at - turn);
    turn = at;
    turns++;
  }, 0);
  const end = now() + milliseconds * 1e6;
  let stops = 0;
  if (mode === 'await') {
    for (; now() < end; stops++) await tracee.resume('syscall');
  } else {
    for await (const stop of tracer) {
      stops++;
      if (now() < end) continue;
      tracer.resumeUnhandled(stop);
      break;
    }
  }
  // A timer that never had a turn has waited all the time.
  longest = Math.max(longest, now() - turn);
  clearInterval(timer);
  return { ns: longest, turns, stops };
});
