#!/usr/bin/env node
/** The command `linux-ptrace`. Each subcommand is made by a file of its own. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { endQuietlyWithoutReader, fail, USAGE } from './ends.js';
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

/** How errors are said, and that they end nothing at once, goes for the commands of commands, too. */
function adopt(parent: Command, command: Command): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) adopt(command, child);
}

const [, , word] = process.argv;
for (const command of word === '--version' ? [] : await subcommandsFor(word, subcommands)) {
  adopt(program, command);
  program.addCommand(command);
}

endQuietlyWithoutReader();
try {
  await program.parseAsync();
} catch (error) {
  // Commander has printed what it had to say: help and version end with 0, a command line that it does not understand with 1.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : USAGE;
  else fail(error);
}
