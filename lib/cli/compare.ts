/** `linux-ptrace compare`: what kernels do differently. */
import { extname } from 'node:path';
import { Argument, Command, Option } from 'commander';
import { COMPARISON_FORMATS, type ComparisonFormat, formatComparison } from '../conformance/compare/formats.js';
import { matrixOf, type Named } from '../conformance/compare/matrix.js';
import { summaryOf } from '../conformance/compare/summary.js';
import { summaryText } from '../conformance/compare/text.js';
import { readAnyReport } from '../conformance/kernels/files.js';
import { UnreadableReport } from '../conformance/report/read-report.js';
import { OutputFile, UnwritableFile, writeOrComplain } from './output.js';
import { paintOf, unpainted, widthOf } from './paint.js';

interface Options {
  readonly format?: ComparisonFormat;
  readonly out?: string;
  readonly all?: boolean;
  readonly verdicts?: boolean;
}

/** The form that was asked for, or that the file's name tells. */
function formatOf({ format, out = '' }: Options): ComparisonFormat {
  const extension = extname(out).slice(1);
  return format ?? COMPARISON_FORMATS.find((each) => each === extension) ?? 'table';
}

export function compareCommand(): Command {
  const command = new Command('compare')
    .summary('say what kernels do differently, from reports of conform --format json')
    .description(
      'Compares reports of linux-ptrace conform --format json: what differs in verdict, only in observation, or is not in all of them. Exit code 0 ' +
        'if nothing differs, 1 if something does.',
    )
    .addArgument(new Argument('<report...>', 'two JSON reports or more; those of docs/kernels, too'))
    .addOption(
      new Option('--format <format>', 'how to write it; html has every behaviour and kernel').choices(
        COMPARISON_FORMATS,
      ),
    )
    .option('--out <file>', 'write it to a file; its name may tell the format')
    .option('--all', 'what does not differ, too')
    .option('--verdicts', 'only a different verdict counts for the exit code');

  return command.action(async (files: string[], options: Options) => {
    const refuse = (message: string): never => command.error(`error: ${message}`);
    if (files.length < 2) refuse('there is nothing to compare one report with: give two or more');

    const reports: Named[] = [];
    let output: InstanceType<typeof OutputFile> | undefined;
    try {
      for (const file of files) reports.push({ report: await readAnyReport(file), file });
      output = options.out === undefined ? undefined : new OutputFile(options.out);
    } catch (error) {
      if (!(error instanceof UnreadableReport || error instanceof UnwritableFile)) throw error;
      refuse(error.message);
    }
    const matrix = matrixOf(reports);
    const paint = output === undefined ? paintOf(process.stdout) : unpainted;
    const width = output === undefined ? widthOf(process.stdout) : 110;
    const text = formatComparison(matrix, formatOf(options), { width, paint, all: options.all === true });
    const { differing, verdict } = summaryOf(matrix);
    if ((options.verdicts === true ? verdict : differing) > 0) process.exitCode = 1;
    if (output === undefined) process.stdout.write(text);
    else {
      writeOrComplain(output, text);
      process.stdout.write(`${summaryText(matrix)}\n`);
    }
  });
}
