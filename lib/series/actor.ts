/** The mother or the tracer of a program: what their Node processes run. */
import { argv, exit } from 'node:process';
import type { Cues } from './cues.js';
import { importProgram } from './program.js';
import { awaitOrders, enter, prepareTracer, printf } from './stage.js';

const cues = JSON.parse(argv[2] ?? '{}') as Cues;
enter(cues);
try {
  const program = await importProgram(cues.module, cues.name);
  if (cues.role === 'mother') {
    if (program.tracer !== undefined) prepareTracer();
    await program.main();
  } else {
    const tracee = awaitOrders();
    if (tracee !== undefined) program.tracer?.(tracee);
  }
} catch (error) {
  // A line that no transcript has.
  printf(`${cues.role}: ${error instanceof Error ? error.message : String(error)}\n`);
  exit(1);
}
// Children that were left behind die with the thread that started them. A C program's return from main is as sudden.
exit(0);
