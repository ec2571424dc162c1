/** `linux-ptrace vm check`: whether a kernel does what it is known to do. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { checkText } from '../../conformance/kernels/check-text.js';
import { check, racesOf } from '../../conformance/kernels/check.js';
import { OWN_COLLECTION, readAnyReport } from '../../conformance/kernels/files.js';
import { UnreadableReport } from '../../conformance/report/read-report.js';

interface Options {
  readonly json?: boolean;
}

/** The file of a kernel in the package's collection, unless the word is a file of the user's. */
function knownFile(word: string): string {
  if (existsSync(word)) return word;
  const own = new URL(`${encodeURIComponent(word)}.json`, OWN_COLLECTION);
  return existsSync(own) ? fileURLToPath(own) : word;
}

export function vmCheckCommand(): Command {
  const command = new Command('check')
    .summary('say whether a report is as the kernel is known')
    .description(
      'Compares a report of linux-ptrace conform --format json with the known one of its kernel: verdicts and observations. What a race, an open ' +
        'expectation or a new scenario explains is no difference. Exit code 0 if all is explained, 1 if something is not.',
    )
    .argument('<kernel>', 'a kernel of docs/kernels, such as 6.12-x64, or a JSON report')
    .argument('<report>', 'the new JSON report')
    .option('--json', 'print one JSON document');

  return command.action(async (kernel: string, file: string, { json = false }: Options) => {
    const { catalogue } = await import('../../conformance/catalogue.js');
    try {
      const known = await readAnyReport(knownFile(kernel));
      const now = await readAnyReport(file);
      if (now.arch !== known.arch) {
        command.error(`error: ${file} is of ${now.arch}, and ${kernel} is of ${known.arch}: there is nothing to check`);
      }
      const { all, matrix } = catalogue();
      const result = check(known, now, racesOf([...all, ...matrix]));
      process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : `${checkText(result).join('\n')}\n`);
      if (result.unexplained.length > 0) process.exitCode = 1;
    } catch (error) {
      if (!(error instanceof UnreadableReport)) throw error;
      command.error(`error: ${error.message}`);
    }
  });
}
