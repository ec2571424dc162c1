// Kills a program that is not done in time, and shows where it was.   node --import tsx examples/engines/deadline-killer.ts 500 sleep 60
import { ATTACH, Engines, EVENT, UTRACE, type Engine, type EngineThread } from 'linux-ptrace/engine';

/** An engine for a process. Call `cancel` when the deadline does not matter any more; it is so by itself when the process ends. */
export function deadlineKiller(
  engines: Engines,
  milliseconds: number,
  dump: (line: string) => void,
): (thread: EngineThread) => { cancel(): void } {
  return (thread) => {
    let timer: NodeJS.Timeout | undefined = undefined;
    let late = false;
    const engine: Engine = engines.attach(thread, ATTACH.CREATE, {
      reportQuiesce() {
        if (!late || thread.state !== 'stopped') return undefined;
        const { pid, tid } = thread;
        const { pc, sp, syscallNumber } = thread.registers;
        dump(`${tid} is late: pc 0x${pc.toString(16)}, sp 0x${sp.toString(16)}, system call ${syscallNumber}`);
        process.kill(pid, 'SIGKILL');
        return UTRACE.DETACH;
      },
      reportDeath() {
        clearTimeout(timer);
      },
    });
    engine.setEvents(EVENT.QUIESCE | EVENT.DEATH);
    timer = setTimeout(() => {
      late = true;
      // It makes the thread report, out of a system call that sleeps, too.
      engine.control(UTRACE.INTERRUPT);
    }, milliseconds);
    return {
      cancel: () => {
        clearTimeout(timer);
        engine.control(UTRACE.DETACH);
      },
    };
  };
}

if (import.meta.filename === process.argv[1]) {
  const [milliseconds = '1000', file = 'true', ...args] = process.argv.slice(2);
  await using engines = new Engines();
  const program = engines.spawn({ file, args });
  deadlineKiller(engines, Number(milliseconds), console.log)(program.thread);
  program.release();
  await engines.done();
}
