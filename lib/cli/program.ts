/** The command line of `linux-ptrace`: its subcommands, each made by a file of its own, and how errors of it are said. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { type Subcommand, subcommandsFor } from './subcommands.js';

/** In the order of the help. */
const subcommands: readonly Subcommand[] = [
  { name: 'series', make: async () => (await import('./series.js')).seriesCommand() },
  { name: 'probe', make: async () => (await import('./probe.js')).probeCommand() },
  { name: 'conform', make: async () => (await import('./conform.js')).conformCommand() },
  { name: 'explain', make: async () => (await import('./explain.js')).explainCommand() },
  { name: 'compare', make: async () => (await import('./compare.js')).compareCommand() },
  { name: 'vm', make: async () => await (await import('./vm.js')).vmCommand() },
];

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
  description: string;
};

/** How errors are said, and that they end nothing at once, goes for the commands of commands, too. */
function adopt(parent: Command, command: Command): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) adopt(command, child);
}

/**
 * The command with the subcommand that a command line names, or with all.
 *
 * @param word the first word of the command line
 */
export async function makeProgram(word: string | undefined): Promise<Command> {
  const program = new Command('linux-ptrace')
    .description(manifest.description)
    .version(manifest.version)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => {
        write(
          `${text
            .replace(/^error: /, 'linux-ptrace: ')
            .trim()
            .replaceAll('\n', ' ')}\n`,
        );
      },
    });
  for (const command of word === '--version' ? [] : await subcommandsFor(word, subcommands)) {
    adopt(program, command);
    program.addCommand(command);
  }
  return program;
}
