/** The arguments of a command that is to run in a guest: what is wrong with them is said before a machine is started. */
import type { Command } from 'commander';
import { makeProgram } from '../program.js';

/** What is not wrong, and has to be answered by the guest. */
const ANSWERED = new Set(['help', '--help', '-h', '--version', '-V']);

/** Takes away what the commands do; what they understand stays. */
function disarm(command: Command): void {
  command.action(() => undefined);
  for (const child of command.commands) disarm(child);
}

/**
 * Reads a command line as the command in the guest will.
 *
 * @throws CommanderError for one that it would not understand, which is said by then
 */
export async function checkArguments(args: readonly string[]): Promise<void> {
  if (args.some((word) => ANSWERED.has(word))) return;
  const program = await makeProgram(args[0]);
  const { commands } = program;
  for (const command of commands) disarm(command);
  await program.parseAsync(args, { from: 'user' });
  const [conform] = commands;
  if (args[0] !== 'conform' || conform === undefined) return;
  const { chosen } = await import('../conform.js');
  const options = conform.opts<Parameters<typeof chosen>[0]>();
  // Modules are files of the guest.
  if (options.load === undefined) await chosen(options, (message) => conform.error(`error: ${message}`));
}
