/** `linux-ptrace series`: the test programs of the 2011 patch series on the running kernel. */
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { catalogue, runSeries } from '../series/index.js';
import { GROUPS, type Group, type Program } from '../series/program.js';
import { untilSignalled } from './ends.js';
import { seriesJson, SeriesText } from './series-report.js';

interface Options {
  readonly fast?: boolean;
  readonly stopped?: boolean;
  readonly json?: boolean;
  readonly jobs: number;
}

function jobsOf(text: string): number {
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= 64) return jobs;
  throw new InvalidArgumentError('Want a number of 1 to 64.');
}

export function seriesCommand(): Command {
  const command = new Command('series')
    .summary('run the test programs of the kernel patch series and compare their transcripts')
    .description(
      'Runs the test programs of the two kernel patch series of 2011 on this kernel, prints what they print, and compares it with the ' +
        'transcript of the commit. Lines that begin with # were seen from outside. Exit code 0 if all agree, 1 if one differs.',
    )
    .addArgument(new Argument('<series>', 'which programs to run').choices([...GROUPS, 'all']))
    .option('--fast', 'naps of a second take 100 ms')
    .option('--stopped', 'only the programs with an argument: the tracee is stopped first (seize, interrupt)')
    .option('--json', 'print one JSON document')
    .addOption(new Option('--jobs <n>', 'how many programs run at once').argParser(jobsOf).default(4));

  return command.action(
    async (group: Group | 'all', { fast = false, stopped = false, json = false, jobs }: Options) => {
      const wanted = (program: Program): boolean =>
        (group === 'all' || program.group === group) && (!stopped || program.stopped === true);
      const programs = catalogue.filter(wanted);
      if (programs.length === 0) command.error(`error: --stopped is for seize and interrupt, not for ${group}`);

      const begin = performance.now();
      const text = json ? undefined : new SeriesText((line) => process.stdout.write(`${line}\n`));
      const outcomes = await untilSignalled((signal) => runSeries(programs, { fast, jobs, signal }, text));
      const seconds = (performance.now() - begin) / 1000;
      if (text === undefined)
        process.stdout.write(`${JSON.stringify(seriesJson(outcomes, { fast, seconds }), null, 2)}\n`);
      else text.summary(outcomes, seconds);
      if (outcomes.some(({ ok }) => !ok)) process.exitCode = 1;
    },
  );
}
