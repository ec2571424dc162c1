/** Commands of commands: what one of them needs is loaded only where it is wanted. */
import type { Command } from 'commander';

export interface Subcommand {
  readonly name: string;
  readonly make: () => Promise<Command>;
}

/** The one that a word of the command line names. All of them for another word, such as help: it may be about any of them. */
export async function subcommandsFor(word: string | undefined, subcommands: readonly Subcommand[]): Promise<Command[]> {
  const named = subcommands.filter(({ name }) => name === word);
  return await Promise.all((named.length > 0 ? named : subcommands).map(({ make }) => make()));
}
