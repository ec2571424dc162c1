/** `linux-ptrace vm`: other kernels. Each subcommand is made by a file of its own. */
import { Command } from 'commander';
import { vmCheckCommand } from './vm/check.js';
import { vmMatrixCommand } from './vm/matrix.js';
import { vmRunCommand } from './vm/run.js';

const subcommands = [vmRunCommand, vmMatrixCommand, vmCheckCommand];

export function vmCommand(): Command {
  const command = new Command('vm').summary('run any of this on another kernel, in QEMU');
  for (const make of subcommands) command.addCommand(make());
  return command;
}
