/** Which transcript the running kernel should print. */
import { release } from 'node:os';
import type { Program } from './program.js';

export interface Expectation {
  readonly lines: readonly string[];
  /** Why it is not the oldest edition, or undefined. */
  readonly because: string | undefined;
}

function versionOf(text: string): [number, number] {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  return [Number(major), Number(minor)];
}

/** Whether a kernel release is a version or newer. */
export function reaches(kernel: string, version: string): boolean {
  const [major, minor] = versionOf(kernel);
  const [wantedMajor, wantedMinor] = versionOf(version);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** The lines of a text; the newline at its end begins none. */
export function linesOf(text: string): string[] {
  if (text === '') return [];
  return text.replace(/\n$/, '').split('\n');
}

/**
 * What a program should print.
 *
 * @param kernel the release of the kernel, as uname(2) has it
 */
export function expectationOf(program: Program, kernel: string = release()): Expectation {
  const { expected } = program;
  if (typeof expected === 'string') return { lines: linesOf(expected), because: undefined };
  const [oldest, ...newer] = expected;
  const reached = newer.findLast(({ since }) => reaches(kernel, since));
  if (reached === undefined) return { lines: linesOf(oldest.text), because: undefined };
  return { lines: linesOf(reached.text), because: `since ${reached.since}: ${reached.because}` };
}
