// Four engines that know nothing of each other on one program.   node --import tsx examples/engines/side-by-side.ts make -j2
import { ERRNO } from 'linux-ptrace/kernel';
import { Engines } from 'linux-ptrace/engine';
import { deadlineKiller } from './deadline-killer.js';
import { faultInjector, type Injection } from './fault-injector.js';
import { stepCoverage, type Coverage } from './step-coverage.js';
import { syscallLogger } from './syscall-logger.js';

const [file = 'true', ...args] = process.argv.slice(2);
await using engines = new Engines();
const program = engines.spawn({ file, args });

const lines: string[] = [];
const injection: Injection = { call: 'getcwd', errno: ERRNO.EACCES, every: 1000, calls: 0, injected: 0 };
const coverage: Coverage = new Map();
for (const attach of [
  syscallLogger(engines, (line) => lines.push(line)),
  faultInjector(engines, injection),
  stepCoverage(engines, 300, coverage),
  deadlineKiller(engines, 60_000, console.log),
]) {
  attach(program.thread);
}
program.release();
await engines.done();

const threads = new Set(lines.map((line) => line.slice(0, line.indexOf(']'))));
const steps = [...coverage.values()].reduce((sum, times) => sum + times, 0);
console.error(`${lines.length} calls of ${threads.size} threads`);
console.error(`${injection.injected} of ${injection.calls} calls of ${injection.call} failed`);
console.error(`${steps} steps over ${coverage.size} instructions`);
