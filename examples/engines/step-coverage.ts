// Single-steps through the first instructions of a program and counts where it has been.   node --import tsx examples/engines/step-coverage.ts 5000 ls
import { ATTACH, Engines, EVENT, UTRACE, type EngineThread } from 'linux-ptrace/engine';

const SIGTRAP = 5;
const SIGNAL_BITS = 0x70;

/** What was covered: instructions and how often each was passed. */
export type Coverage = Map<bigint, number>;

/** An engine for one thread: its first instructions after each exec. */
export function stepCoverage(engines: Engines, count: number, coverage: Coverage): (thread: EngineThread) => void {
  return (thread) => {
    let left = 0;
    const engine = engines.attach(thread, ATTACH.CREATE, {
      reportExec() {
        left = count;
        return UTRACE.SINGLESTEP;
      },
      // Called before every other callback, and where the thread was asked to report: it has to go on stepping.
      reportQuiesce: () => (left > 0 ? UTRACE.SINGLESTEP : UTRACE.RESUME),
      reportSignal(action, { thread: { registers } }, { signal }) {
        const fate = action & SIGNAL_BITS;
        if (signal === SIGTRAP && left > 0) {
          left--;
          coverage.set(registers.pc, (coverage.get(registers.pc) ?? 0) + 1);
        }
        return (left > 0 ? UTRACE.SINGLESTEP : UTRACE.RESUME) | fate;
      },
    });
    engine.setEvents(EVENT.QUIESCE | EVENT.EXEC);
  };
}

if (import.meta.filename === process.argv[1]) {
  const [count = '1000', file = 'true', ...args] = process.argv.slice(2);
  await using engines = new Engines();
  const program = engines.spawn({ file, args });
  const coverage: Coverage = new Map();
  stepCoverage(engines, Number(count), coverage)(program.thread);
  program.release();
  await engines.done();
  const steps = [...coverage.values()].reduce((sum, times) => sum + times, 0);
  console.log(`${steps} instructions, ${coverage.size} different ones`);
}
