/**
 * A Node process that ends while an engine is attached: `node --import tsx ending.ts PID STATE WAY`. It brings the thread into the state, says "ready", and ends.
 */
import { ATTACH, Engines, EVENT, UTRACE } from '../../lib/engine/index.js';

const { REPORT, RESUME, SINGLESTEP, STOP } = UTRACE;
const [pid, state, way] = process.argv.slice(2);
const steps = state === 'stepped';
let reports = 0;
const engines = new Engines();
const engine = engines.attach(Number(pid), ATTACH.CREATE, {
  reportQuiesce: () => {
    reports++;
    return steps ? SINGLESTEP : RESUME;
  },
  reportSignal: (action) => {
    reports++;
    return (steps ? SINGLESTEP : RESUME) | (action & 0x70);
  },
  reportSyscallEntry: () => STOP,
});
engine.setEvents(EVENT.QUIESCE | (state === 'held' ? EVENT.SYSCALL_ENTRY : 0));
engine.control(REPORT);
const waiting = setInterval(() => {
  if (reports < (steps ? 100 : 1) || (state === 'held' && engine.thread.state !== 'stopped')) return;
  clearInterval(waiting);
  console.log('ready');
  if (way === 'exit') process.exit(3);
  throw new Error('nobody catches this');
}, 1);
