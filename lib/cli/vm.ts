/** `linux-ptrace vm`: other kernels than the running one, in virtual machines. */
import { Command } from 'commander';
import { type Subcommand, subcommandsFor } from './subcommands.js';

const subcommands: readonly Subcommand[] = [
  { name: 'kernels', make: async () => (await import('./vm/kernels.js')).kernelsCommand() },
  { name: 'fetch', make: async () => (await import('./vm/fetch.js')).fetchCommand() },
  { name: 'run', make: async () => (await import('./vm/run.js')).vmRunCommand() },
  { name: 'matrix', make: async () => (await import('./vm/matrix.js')).vmMatrixCommand() },
  { name: 'check', make: async () => (await import('./vm/check.js')).vmCheckCommand() },
];

export async function vmCommand(): Promise<Command> {
  const command = new Command('vm')
    .summary('other kernels, in virtual machines')
    .description('Kernels of other releases and architectures, each in a virtual machine of its own.');
  for (const child of await subcommandsFor(process.argv[3], subcommands)) command.addCommand(child);
  return command;
}
