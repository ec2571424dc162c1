/** `linux-ptrace vm matrix`: the suite on many kernels, and what they do differently. */
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { formatComparison } from '../../conformance/compare/formats.js';
import { summaryText } from '../../conformance/compare/text.js';
import { membersMatrix } from '../../conformance/kernels/collection-page.js';
import type { SetName } from '../../conformance/sets.js';
import { fetchKernel } from '../../vm/fetch-kernel.js';
import { nodeLine } from '../../vm/fetch-node.js';
import { exitCodeOf, type MatrixKernel, type MatrixOutcome, runMatrix } from '../../vm/matrix.js';
import { findQemu } from '../../vm/qemu.js';
import { runInGuest } from '../../vm/run.js';
import { selectKernels } from '../../vm/select-kernels.js';
import { writeWhole } from '../../vm/whole-file.js';
import { untilSignalled } from '../ends.js';
import { unpainted } from '../paint.js';
import { failVm } from './ends.js';
import { MatrixProgress, outcomeWords } from './matrix-progress.js';

// In the order of the help.
const SETS = ['all', 'scenarios', 'matrix'] as const satisfies readonly SetName[];
const MOST_JOBS = 64;
const MOST_TIME_SCALE = 1000;

interface Options {
  readonly kernels?: string[];
  readonly set: SetName;
  readonly out: string;
  readonly jobs: number;
  readonly node?: string;
  readonly timeScale?: number;
  readonly fresh?: boolean;
}

const upTo =
  (most: number) =>
  (text: string): number => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= 1 && number <= most) return number;
    throw new InvalidArgumentError(`Want a number of 1 to ${most}.`);
  };

/** The reports side by side, as a page and for a pull request; and what has become of each kernel, on the standard output. */
function tellAll(outcomes: readonly MatrixOutcome[], folder: string): void {
  const width = Math.max(0, ...outcomes.map(({ id }) => id.length));
  const lines = outcomes.map((outcome) => `${outcome.id.padEnd(width)}  ${outcomeWords(outcome)}`);
  const members = outcomes.flatMap((outcome) =>
    'report' in outcome ? [{ id: outcome.id, report: outcome.report }] : [],
  );
  if (members.length > 0) {
    const matrix = membersMatrix(members);
    for (const [name, format] of [
      ['index.html', 'html'],
      ['matrix.md', 'md'],
    ] as const) {
      writeWhole(join(folder, name), formatComparison(matrix, format, { width: 110, paint: unpainted }));
    }
    lines.push('', summaryText(matrix), join(folder, 'index.html'));
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

export function vmMatrixCommand(): Command {
  const command = new Command('matrix')
    .summary('play the suite on many kernels, and compare them')
    .description(
      'Fetches kernels, boots each in QEMU and plays the conformance suite on it. The folder gets a JSON report of each kernel and the comparison of all ' +
        '(index.html, matrix.md). What is there already and still holds is kept, so an interrupted matrix goes on where it stood; state.json tells ' +
        'which kernels failed or could not be had, and why. Exit code 0 if all kernels were played and nothing failed, 3 if kernels could not be had and ' +
        'nothing else is amiss, 2 for a command line or folder that makes no sense, 4 without QEMU, 1 otherwise.',
    )
    .option('--kernels <id|glob...>', 'only these of the kernels that "vm kernels" lists: 6.12-x64, "*-arm64"')
    .addOption(new Option('--set <set>', 'which scenarios').choices(SETS).default('all'))
    .option('--out <folder>', 'where reports, logs and comparison are put', 'matrix')
    .addOption(new Option('--jobs <n>', 'how many machines run at once').argParser(upTo(MOST_JOBS)).default(2))
    .option('--node <version>', 'a line or a version of Node for the guests (default: the line that runs this)')
    .addOption(
      new Option('--time-scale <n>', 'multiplies the limits of the suite (default: 10, arm64: 20)').argParser(
        upTo(MOST_TIME_SCALE),
      ),
    )
    .option('--fresh', 'play again what is there already');

  return command.action(async (options: Options) => {
    const { kernels = [], out, set, jobs, node, timeScale, fresh } = options;
    try {
      // What every kernel would fail of is said once, and before anything is downloaded.
      if (node !== undefined) nodeLine(node);
      const chosen = selectKernels(kernels.length === 0 ? ['all'] : kernels).map(
        ({ series: { id, arch, optional }, named }): MatrixKernel => ({ id, arch, optional: optional && !named }),
      );
      for (const arch of new Set(chosen.map((kernel) => kernel.arch))) findQemu(arch);
      const outcomes = await untilSignalled(async (signal) => {
        const progress = new MatrixProgress(chosen.map(({ id }) => id));
        const means = { fetch: fetchKernel, run: runInGuest };
        try {
          const settings = { kernels: chosen, out, set, jobs, node, timeScale, fresh, signal };
          return await runMatrix({ ...settings, onEvent: (event) => progress.tell(event) }, means);
        } finally {
          progress.end();
        }
      });
      tellAll(outcomes, out);
      process.exitCode = exitCodeOf(outcomes, chosen);
    } catch (error) {
      failVm(error);
    }
  });
}
