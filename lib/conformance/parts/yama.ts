/** Yama's ptrace_scope, which narrows who may trace whom. */
import { readFileSync } from 'node:fs';
import type { Stage } from '../stage.js';

/** Where its ptrace_scope is; no such file where there is no Yama. */
export const YAMA = '/proc/sys/kernel/yama/ptrace_scope';

/** Yama's ptrace_scope; 0 where there is no Yama, which refuses nothing then. */
export function yamaScope(): number {
  try {
    return Number(readFileSync(YAMA, 'utf8'));
  } catch {
    return 0;
  }
}

/** Skips where Yama's ptrace_scope is not in this range. With 3 nobody can look into a script's memory, not even root. */
export function needsScope(s: Stage, least: number, most: number): void {
  const scope = yamaScope();
  const wanted = least === most ? `${least}` : `${least} to ${most}`;
  if (scope < least || scope > most) s.skip(`Yama's ptrace_scope is ${scope}, it needs ${wanted}`);
}
