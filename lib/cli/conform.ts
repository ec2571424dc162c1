/** `linux-ptrace conform`: what the running kernel's ptrace really does. */
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Backend } from '../conformance/backend/index.js';
import { loadScenarios } from '../conformance/load.js';
import { formatReport } from '../conformance/report/formats.js';
import type { KcidbOptions } from '../conformance/report/kcidb.js';
import { described, type Report } from '../conformance/report/report.js';
import { runReport } from '../conformance/report/run-report.js';
import { reportSchema } from '../conformance/report/schema.js';
import type { ScenarioEntry } from '../conformance/scenario.js';
import { select, SelectionError } from '../conformance/select.js';
import { entriesOf, SETS } from '../conformance/sets.js';
import { type Destination, DestinationError, destinationsOf, type Given } from './destinations.js';
import { untilSignalled } from './ends.js';
import { OutputFile, UnwritableFile, writeOrComplain } from './output.js';
import { paintOf, unpainted, widthOf } from './paint.js';
import { Progress } from './progress.js';

interface Options {
  readonly filter?: string[];
  readonly except?: string[];
  readonly source?: string[];
  readonly tag?: string[];
  readonly arch?: string[];
  readonly set: string;
  readonly load?: string[];
  readonly backend: Backend;
  readonly list?: boolean;
  readonly schema?: boolean;
  readonly jobs?: number;
  readonly isolate?: boolean;
  readonly repeat: number;
  readonly shuffle?: number | true;
  readonly lines?: boolean;
  readonly kcidbOrigin?: string;
  readonly kcidbBuild?: string;
}

/** A whole number from a text, for commander. */
function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`Want a number of ${least} to ${most}.`);
  };
}

function matching(pattern: RegExp, what: string): (text: string) => string {
  return (text) => {
    if (pattern.test(text)) return text;
    throw new InvalidArgumentError(`Want ${what}.`);
  };
}

const MOST_SEED = 2 ** 32 - 1;

/** Commander keeps what an option was given last; here all that were given, in their order. */
const gather =
  (given: Given[], make: (text: string) => Given) =>
  (text: string): string => {
    given.push(make(text));
    return text;
  };

/** Ends the command because its command line makes no sense. */
type Refuse = (message: string) => never;

/** The scenarios to choose from: a set of the package, or those of modules. */
async function supply({ set, load }: Options, refuse: Refuse): Promise<readonly ScenarioEntry[]> {
  const name = SETS.find((each) => each === set);
  if (name === undefined) return refuse(`there is no set '${set}'; there are ${SETS.join(', ')}`);
  if (load === undefined) return await entriesOf(name);
  try {
    return (await Promise.all(load.map(loadScenarios))).flat();
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/**
 * The scenarios that a command line chooses.
 *
 * @param refuse says what is wrong, and throws
 */
export async function chosen(options: Options, refuse: Refuse): Promise<ScenarioEntry[]> {
  const { filter, except, source, tag, arch } = options;
  const scenarios = await supply(options, refuse);
  try {
    return select(scenarios, {
      ...(filter === undefined ? {} : { filters: filter }),
      ...(except === undefined ? {} : { except }),
      ...(source === undefined ? {} : { sources: source }),
      ...(tag === undefined ? {} : { tags: tag }),
      ...(arch === undefined ? {} : { archs: arch }),
    });
  } catch (error) {
    if (error instanceof SelectionError) return refuse(error.message);
    throw error;
  }
}

interface Target extends Destination {
  readonly output?: OutputFile;
}

/** Files that cannot be written are found before a minute of running. */
function targetsOf(given: readonly Given[], refuse: Refuse): Target[] {
  try {
    return destinationsOf(given).map((each): Target =>
      each.file === undefined ? each : { ...each, output: new OutputFile(each.file) },
    );
  } catch (error) {
    if (error instanceof DestinationError || error instanceof UnwritableFile) return refuse(error.message);
    throw error;
  }
}

function writeReport(report: Report, targets: readonly Target[], options: Options): void {
  const { filter, source, tag, lines = false, kcidbOrigin: origin, kcidbBuild: buildId } = options;
  const kcidb: KcidbOptions = { origin, buildId };
  const each = lines || filter !== undefined || source !== undefined || tag !== undefined;
  // Files first: a reader that has gone must not cost them.
  for (const { format, output } of targets) {
    if (output === undefined) continue;
    const pretty = { width: 110, paint: unpainted, each, observations: lines };
    writeOrComplain(output, formatReport(report, format, { kcidb, pretty }));
  }
  for (const { format, output } of targets) {
    if (output !== undefined) continue;
    const pretty = { width: widthOf(process.stdout), paint: paintOf(process.stdout), each, observations: lines };
    process.stdout.write(formatReport(report, format, { kcidb, pretty }));
  }
}

function list(scenarios: readonly ScenarioEntry[], targets: readonly Target[], refuse: Refuse): void {
  const column = Math.max(...scenarios.map(({ id }) => id.length));
  for (const { format, output } of targets) {
    if (format !== 'pretty' && format !== 'json') refuse(`--list has the formats pretty and json, not ${format}`);
    const text =
      format === 'json'
        ? JSON.stringify(scenarios.map(described), null, 2)
        : scenarios.map(({ id, title }) => `${id.padEnd(column)}  ${title}`).join('\n');
    if (output === undefined) process.stdout.write(`${text}\n`);
    else writeOrComplain(output, `${text}\n`);
  }
}

async function play(
  scenarios: readonly ScenarioEntry[],
  options: Options,
  targets: readonly Target[],
): Promise<Report> {
  const { jobs, isolate, repeat, shuffle, load, backend } = options;
  const seed = shuffle === true ? Math.floor(Math.random() * MOST_SEED) : shuffle;
  return await untilSignalled(async (signal) => {
    const progress = new Progress(scenarios.length * repeat);
    try {
      const report = await runReport({
        scenarios,
        jobs,
        isolate,
        repeat,
        shuffle: seed,
        load,
        backend,
        signal,
        onOutcome: ({ id, verdict }) => {
          progress.tick(id, verdict === 'fail');
        },
      });
      progress.end();
      writeReport(report, targets, options);
      if (report.interrupted) signal.throwIfAborted();
      return report;
    } finally {
      progress.end();
    }
  });
}

export function conformCommand(): Command {
  const given: Given[] = [];
  const command = new Command('conform')
    .summary('find out what this kernel really does, and whether that is right')
    .description(
      'Plays the conformance suite on this kernel: every behaviour of ptrace(2) that is known, with the rule and where it comes from. Exit code 0 ' +
        'if none failed, 1 if one did. docs/conformance.md tells what the verdicts mean.',
    )
    .option('--filter <glob...>', 'only those of these names; * stands for anything')
    .option('--except <glob...>', 'not those of these names: what brings this kernel down, say')
    .option(
      '--source <name...>',
      'only those from here: commit, manual, suite, mail, ptrace-tests, fca26f260c52, ptrace(2)',
    )
    .option('--tag <tag...>', 'only those with one of these tags')
    .option('--arch <arch...>', 'only those that apply to an architecture: x64, arm64')
    .option('--set <set>', 'which scenarios: scenarios, matrix, all', 'scenarios')
    .option('--load <module...>', "the scenarios that a module of yours exports, in place of the package's own")
    .addOption(
      new Option(
        '--backend <backend>',
        'play them on the kernel, on a virtual ptrace, or on one whose tracees another engine traces too',
      )
        .choices(['kernel', 'virtual', 'virtual-logged'])
        .default('kernel'),
    )
    .option('--list', 'say which they are, and do not play them')
    .addOption(new Option('--jobs <n>', 'how many play at once (default: one for each CPU)').argParser(whole(1, 64)))
    .option('--isolate', 'a process of its own for every one')
    .addOption(new Option('--repeat <n>', 'how often each is played').argParser(whole(1, 100_000)).default(1))
    .addOption(
      new Option('--shuffle [seed]', 'play them in another order, which the seed brings back').argParser(
        whole(0, MOST_SEED),
      ),
    )
    .addOption(
      new Option('--format <format>', 'pretty, json, tap, ktap, junit, kcidb, html or md').argParser(
        gather(given, (format) => ({ format })),
      ),
    )
    .addOption(
      new Option('--out <file>', 'write it to a file; several pairs of --format and --out are possible').argParser(
        gather(given, (out) => ({ out })),
      ),
    )
    .option('--lines', 'say what each of them observed')
    .option('--schema', 'print the JSON Schema of the JSON report, and play nothing')
    .addOption(
      new Option('--kcidb-origin <name>', "the CI system's name in a kcidb report").argParser(
        matching(/^[a-z0-9_]+$/, 'small letters, digits and _'),
      ),
    )
    .addOption(
      new Option('--kcidb-build <id>', 'the id of the build that is tested, in a kcidb report').argParser(
        matching(/^[a-z0-9_]+:.+$/, 'an id such as origin:build'),
      ),
    );

  return command.action(async (options: Options) => {
    const refuse: Refuse = (message) => command.error(`error: ${message}`);
    if (options.schema === true) {
      process.stdout.write(`${JSON.stringify(reportSchema, null, 2)}\n`);
      return;
    }
    const targets = targetsOf(given, refuse);
    const scenarios = await chosen(options, refuse);
    if (options.list === true) {
      list(scenarios, targets, refuse);
      return;
    }
    const report = await play(scenarios, options, targets);
    if (report.scenarios.some(({ verdict }) => verdict === 'fail')) process.exitCode = 1;
  });
}
