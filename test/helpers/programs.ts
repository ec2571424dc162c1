import { execFileSync } from 'node:child_process';

const found = new Map<string, string>();

/** The path of a program. */
export function which(file: string): string {
  if (file === 'node') return process.execPath;
  if (file.includes('/')) return file;
  let path = found.get(file);
  if (path === undefined) {
    path = execFileSync('/bin/sh', ['-c', 'command -v "$0"', file], { encoding: 'utf8' }).trim();
    found.set(file, path);
  }
  return path;
}

/** Whether a program is installed. */
export function has(file: string): boolean {
  try {
    return which(file) !== '';
  } catch {
    return false;
  }
}
