/** `linux-ptrace vm`: other kernels than the running one, in virtual machines. */
import { Command } from 'commander';
import { fetchCommand } from './vm/fetch.js';
import { kernelsCommand } from './vm/kernels.js';
import { vmRunCommand } from './vm/run.js';

const subcommands = [kernelsCommand, fetchCommand, vmRunCommand];

export function vmCommand(): Command {
  const command = new Command('vm')
    .summary('other kernels, in virtual machines')
    .description('Kernels of other releases and architectures, each in a virtual machine of its own.');
  for (const make of subcommands) command.addCommand(make());
  return command;
}
