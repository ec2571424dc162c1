/** `linux-ptrace explain`: one behaviour, and what this kernel makes of it. */
import { Argument, Command } from 'commander';
import { nearest } from '../conformance/nearest.js';
import { explainOutcome, explainScenario } from '../conformance/report/explain.js';
import { runReport } from '../conformance/report/run-report.js';
import { scenariosOf } from '../conformance/sets.js';
import { untilSignalled } from './ends.js';
import { paintOf, widthOf } from './paint.js';

interface Options {
  /** False with --no-run. */
  readonly run: boolean;
}

export function explainCommand(): Command {
  const command = new Command('explain')
    .summary('tell a behaviour: the rule, its source, what is right, what this kernel does')
    .description(
      'Tells all that is known of a behaviour of the conformance suite, by its name or one of its other names, and plays it on this kernel.',
    )
    .addArgument(new Argument('<id>', 'its name; linux-ptrace conform --list shows all'))
    .option('--no-run', 'do not play it');

  return command.action(async (id: string, { run }: Options) => {
    const all = await scenariosOf('all');
    const scenario = all.find((each) => each.id === id || each.also?.includes(id) === true);
    if (scenario === undefined) {
      const names = nearest(
        id,
        all.flatMap((each) => [each.id, ...(each.also ?? [])]),
      );
      const hint = names.length === 0 ? 'conform --list shows all' : `did you mean ${names.join(', ')}?`;
      return command.error(`error: there is no scenario '${id}': ${hint}`);
    }
    const options = { width: widthOf(process.stdout), paint: paintOf(process.stdout) };
    const print = (lines: readonly string[]): void => {
      process.stdout.write(`${lines.join('\n')}\n`);
    };
    print(explainScenario(scenario, options));
    if (!run) return;
    const report = await untilSignalled(async (signal) => {
      const played = await runReport({ scenarios: [scenario], signal });
      if (played.interrupted) signal.throwIfAborted();
      return played;
    });
    for (const outcome of report.scenarios) print(explainOutcome(outcome, report.kernel.release, options));
  });
}
