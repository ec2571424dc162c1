/**
 * Engines that want every system call, one a process as cases/tracer.ts.
 *
 *   engines COUNT PID CPU
 *
 * COUNT engines are attached to PID, and each looks at every entry and exit. The first one holds the thread when the stops that were asked for are over.
 */
import { ATTACH, EVENT, EVENT_SYSCALL, Engines, UTRACE, type Engine, type SyscallView } from 'linux-ptrace/engine';
import { now, pin, serve, type Answer } from './serve.js';

const [countText = '1', pidText = '0', cpuText = '-1'] = process.argv.slice(2);
const pid = Number(pidText);
pin(Number(cpuText));

/** What was read is used, or the compiler might leave the reading out. */
const seen = { sum: 0n };
const engines = new Engines();
let left = 0;
let over: () => void = () => undefined;

function look(call: SyscallView, entry: boolean): void {
  if (entry) seen.sum += BigInt(call.number);
  else seen.sum += call.result;
}

/** The last of the stops that were asked for holds the thread. */
function count(): number {
  if (--left > 0) return UTRACE.RESUME;
  over();
  return UTRACE.STOP;
}

const first: Engine = engines.attach(pid, ATTACH.CREATE, {
  reportQuiesce: (_action, _engine, event) => {
    if (event !== 0) return undefined;
    over();
    return UTRACE.STOP;
  },
  reportSyscallEntry: (_action, _engine, call) => {
    look(call, true);
    return count();
  },
  reportSyscallExit: (_action, _engine, call) => {
    look(call, false);
    return count();
  },
});

const stands = new Promise<void>((resolve) => (over = resolve));
first.setEvents(EVENT.QUIESCE);
first.control(UTRACE.REPORT);
await stands;
first.setEvents(EVENT_SYSCALL);
for (let other = 1; other < Number(countText); other++) {
  engines
    .attach(pid, ATTACH.CREATE, {
      reportSyscallEntry: (_action, _engine, call) => look(call, true),
      reportSyscallExit: (_action, _engine, call) => look(call, false),
    })
    .setEvents(EVENT_SYSCALL);
}

await serve(async (n): Promise<Answer> => {
  const begin = now();
  left = n;
  await new Promise<void>((resolve) => {
    over = resolve;
    first.control(UTRACE.RESUME);
  });
  return { ns: now() - begin };
});
