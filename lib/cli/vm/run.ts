/** `linux-ptrace vm run`: a command of this package on another kernel. */
import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { fetchKernel } from '../../vm/fetch-kernel.js';
import { needFolder } from '../../vm/folder.js';
import { GUEST_ARCHS, type GuestArch } from '../../vm/guest-arch.js';
import { findSeries, kernelTable } from '../../vm/kernel-table.js';
import { type GuestRun, runInGuest, shellInGuest } from '../../vm/run.js';
import { untilSignalled } from '../ends.js';
import { checkArguments } from './arguments.js';
import { failVm } from './ends.js';

interface Options {
  readonly kernel: string;
  readonly arch?: GuestArch;
  readonly node?: string;
  readonly cpu?: string;
  readonly cpus?: number;
  readonly memory?: number;
  readonly append?: string;
  readonly sysctl?: string[];
  readonly with?: string[];
  readonly out: string;
  readonly timeout?: number;
  readonly bootTimeout?: number;
  readonly timeScale?: number;
  readonly console?: boolean;
  readonly log?: string;
  readonly shell?: boolean;
}

function count(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Want a whole number from 1 on.');
}

const UNITS: Readonly<Record<string, number>> = { '': 1, M: 1, G: 1024 };

/** MiB out of 512, 512M or 2G. */
export function mebibytes(text: string): number {
  const [, digits = '', unit = ''] = /^([1-9]\d{0,6})([MG]?)$/i.exec(text) ?? [];
  if (digits === '') throw new InvalidArgumentError('Want a size such as 768M or 2G.');
  return Number(digits) * (UNITS[unit.toUpperCase()] ?? 1);
}

function sysctls(given: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=');
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

/** A kernel's file, or that of a kernel which `vm kernels` lists. */
async function kernelFile(name: string, arch: GuestArch | undefined, signal: AbortSignal): Promise<string> {
  if (name.includes('/') || existsSync(name)) return name;
  // A release alone is enough where the architecture says the rest.
  const id = [name, `${name}-${arch ?? process.arch}`].find((each) => kernelTable.some((series) => series.id === each));
  if (id === undefined) return /^\d+\.\d/.test(name) ? findSeries(name).id : name;
  return (await fetchKernel(id, { signal, onProgress: tell })).file;
}

function tell(words: string): void {
  process.stderr.write(`linux-ptrace: ${words}\n`);
}

const write =
  (stream: NodeJS.WriteStream) =>
  (text: string): void =>
    void stream.write(Buffer.from(text, 'latin1'));

export function vmRunCommand(): Command {
  const command = new Command('run')
    .summary('run a command of linux-ptrace on another kernel')
    .description(
      'Boots a kernel in QEMU and runs linux-ptrace with the arguments after -- in it: conform, series, probe. The files that it writes into its folder ' +
        'are brought back, its exit code is that of the command: 0, 1 or 2; 3 when the kernel cannot be had, 4 when there is no result. Needs QEMU, and no ' +
        'rights. Emulation is 10 to 20 times slower than a machine.',
    )
    .argument('[arguments...]', 'of linux-ptrace in the guest; after --')
    .requiredOption(
      '--kernel <image>',
      'a bzImage of x86-64, an Image of arm64, a User-mode Linux, or an id of "vm kernels"',
    )
    .addOption(new Option('--arch <arch>', "the guest's architecture (default: the kernel's)").choices(GUEST_ARCHS))
    .option(
      '--node <version>',
      'a line or a version of Node for the guest, such as 22 (default: the line that runs this)',
    )
    .option('--cpu <model>', "QEMU's name of a processor (default: max, the one with everything)")
    .addOption(new Option('--cpus <n>', 'processors of the guest; they take turns (default: 1)').argParser(count))
    .addOption(new Option('--memory <size>', 'memory of the guest (default: 1G)').argParser(mebibytes))
    .option('--append <words>', "more words for the kernel's command line")
    .addOption(
      new Option('--sysctl <name=value...>', 'what is set in the guest first: kernel.yama.ptrace_scope=1').argParser(
        (text: string, before: string[] | undefined) => {
          if (!/^[a-z0-9_./-]+=.*$/i.test(text)) throw new InvalidArgumentError('Want name=value.');
          return [...(before ?? []), text];
        },
      ),
    )
    .option('--with <file...>', 'files that the command finds in its folder')
    .option('--out <folder>', 'where the files that the command writes are put', '.')
    .addOption(new Option('--timeout <seconds>', 'for a try from start to end (default: 900)').argParser(count))
    .addOption(
      new Option('--boot-timeout <seconds>', 'until the kernel runs its first program (default: 90)').argParser(count),
    )
    .addOption(
      new Option('--time-scale <n>', 'multiplies the limits of the suite (default: 10, arm64: 20)').argParser(count),
    )
    .option('--console', "show the machine's console")
    .option('--log <file>', "keep the console's log (default: only on failure)")
    .option('--shell', 'a shell in the guest, on this terminal');

  return command.action(async (args: string[], options: Options) => {
    const refuse = (message: string): never => command.error(`error: ${message}`);
    const { shell = false, out } = options;
    if (shell && args.length > 0) refuse('--shell takes no arguments');
    if (!shell && args.length === 0)
      refuse('there is nothing to run: give arguments of linux-ptrace after --, or --shell');
    if (shell && !process.stdin.isTTY) refuse('--shell needs a terminal');
    if (!shell) await checkArguments(args);
    try {
      needFolder(out);
      await untilSignalled(async (signal) => {
        const { timeout, bootTimeout, sysctl, with: files } = options;
        const run: GuestRun = {
          ...options,
          kernel: await kernelFile(options.kernel, options.arch, signal),
          args,
          files,
          sysctls: sysctls(sysctl),
          limitMs: timeout === undefined ? undefined : timeout * 1000,
          bootLimitMs: bootTimeout === undefined ? undefined : bootTimeout * 1000,
          console: options.console === true ? write(process.stderr) : undefined,
          onLine: options.console === true ? undefined : (line) => void process.stderr.write(`${line}\n`),
          onPhase: tell,
          signal,
        };
        if (shell) {
          for (const name of await shellInGuest(run)) tell(`brought back: ${name}`);
          return;
        }
        const result = await runInGuest(run);
        process.stdout.write(result.stdout);
        for (const name of result.refused) tell(`the kernel has no ${name} that could be set`);
        const { boot, total } = result.seconds;
        const brought = result.files.length === 0 ? '' : `, brought back: ${result.files.join(', ')}`;
        tell(
          `Linux ${result.release}: exit code ${result.code} after ${total.toFixed(1)} s (${boot.toFixed(1)} s of boot)${brought}`,
        );
        process.exitCode = result.code;
      });
    } catch (error) {
      failVm(error);
    }
  });
}
