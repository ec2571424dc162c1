#!/usr/bin/env node
/** The command `linux-ptrace`. */
import { CommanderError } from 'commander';
import { endQuietlyWithoutReader, fail, USAGE } from './ends.js';
import { makeProgram } from './program.js';

endQuietlyWithoutReader();
try {
  const program = await makeProgram(process.argv[2]);
  await program.parseAsync();
} catch (error) {
  // Commander has printed what it had to say: help and version end with 0, a command line that it does not understand with 1.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : USAGE;
  else fail(error);
}
