// Logs every system call of a program and of all it starts.   node --import tsx examples/engines/syscall-logger.ts ls -l
import { errnoName } from 'linux-ptrace';
import { ATTACH, Engines, EVENT, type EngineOps, type EngineThread } from 'linux-ptrace/engine';

/** An engine for one thread: attach it to a thread, and it follows all that come from it. */
export function syscallLogger(engines: Engines, log: (line: string) => void): (thread: EngineThread) => void {
  const ops: EngineOps = {
    reportSyscallExit(_action, engine, call) {
      const entry = entries.get(engine.thread.tid) ?? '...';
      const result = call.isError ? `-1 ${errnoName(Number(-call.result))}` : `${call.result}`;
      log(`[${engine.thread.tid}] ${entry} = ${result}`);
    },
    reportSyscallEntry(_action, engine, call) {
      const args = [0, 1, 2].map((index) => `0x${call.arg(index).toString(16)}`);
      entries.set(engine.thread.tid, `${call.name}(${args.join(', ')}, ...)`);
    },
    reportClone(_action, _engine, { child }) {
      attach(child);
    },
    reportReap(_engine, { tid }) {
      entries.delete(tid);
    },
  };
  const entries = new Map<number, string>();
  const attach = (thread: EngineThread): void => {
    engines
      .attach(thread, ATTACH.CREATE, ops)
      .setEvents(EVENT.SYSCALL_ENTRY | EVENT.SYSCALL_EXIT | EVENT.CLONE | EVENT.REAP);
  };
  return attach;
}

if (import.meta.filename === process.argv[1]) {
  const [file = 'true', ...args] = process.argv.slice(2);
  await using engines = new Engines();
  const program = engines.spawn({ file, args });
  syscallLogger(engines, console.error)(program.thread);
  program.release();
  await engines.done();
}
