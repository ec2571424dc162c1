/** `linux-ptrace probe`: what this kernel, policy and CPU allow. */
import { Command } from 'commander';
import { probe } from '../probe/index.js';
import { columnsOf } from './columns.js';
import { colourOf, probeText } from './probe-report.js';

interface Options {
  readonly json?: boolean;
}

const WIDTH = 100;

/** The subcommand. */
export function probeCommand(): Command {
  return new Command('probe')
    .summary('find out what this kernel, policy and CPU allow')
    .description(
      'Tries every request and option of ptrace(2), every event and register set, hardware breakpoints, steps, waits and ways to memory on ' +
        'throw-away children, and prints what works, what does not, and what a policy denies.',
    )
    .option('--json', 'print one JSON document')
    .action(({ json = false }: Options) => {
      const report = probe();
      if (json) {
        process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
        return;
      }
      for (const line of probeText(report, colourOf(process.stdout), columnsOf(process.stdout, WIDTH))) {
        process.stdout.write(`${line}\n`);
      }
    });
}
