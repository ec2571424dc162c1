import { findProgram } from '../../lib/raw/find-program.js';

/** The path of a program. */
export function which(file: string): string {
  if (file === 'node') return process.execPath;
  const found = findProgram(file, process.env['PATH'], process.cwd());
  if ('errno' in found) throw new Error(`there is no program ${file}`);
  return found.path;
}

/** Whether a program is installed. */
export function has(file: string): boolean {
  try {
    return which(file) !== '';
  } catch {
    return false;
  }
}
