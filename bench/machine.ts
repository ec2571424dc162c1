/** The machine that measures: what a reader of the numbers wants to know, and which CPU to measure on. */
import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, release, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import * as raw from 'linux-ptrace/raw';

export interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  readonly arch: string;
  readonly kernel: string;
  readonly node: string;
  readonly memoryMegabytes: number;
  /** Load average of the last minute, at the start. */
  readonly load: number;
}

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: allowedCpus().length,
    arch: arch(),
    kernel: release(),
    node: process.version,
    memoryMegabytes: Math.round(totalmem() / 1e6),
    load: loadavg()[0] ?? 0,
  };
}

const allowed = raw.schedGetaffinity(0);

/** The CPUs that this process may use. */
export function allowedCpus(): readonly number[] {
  return allowed;
}

/** Idle ticks of each CPU since the machine started. */
function idleTicks(): Map<number, number> {
  const ticks = new Map<number, number>();
  for (const line of readFileSync('/proc/stat', 'utf8').split('\n')) {
    const match = /^cpu(\d+) (.*)$/.exec(line);
    if (match !== null) ticks.set(Number(match[1]), Number(match[2]?.split(' ')[3] ?? 0));
  }
  return ticks;
}

/** The allowed CPUs, the idlest of the last moment first. */
export async function idlestCpus(): Promise<number[]> {
  const before = idleTicks();
  await sleep(200);
  const after = idleTicks();
  const idle = (cpu: number): number => (after.get(cpu) ?? 0) - (before.get(cpu) ?? 0);
  return [...allowed].sort((a, b) => idle(b) - idle(a));
}

/** Starts processes with `start` on one CPU: a child inherits it from the thread that makes it. -1 leaves them free. */
export function startOn<T>(cpu: number, start: () => T): T {
  if (cpu < 0) return start();
  raw.schedSetaffinity(0, [cpu]);
  try {
    return start();
  } finally {
    raw.schedSetaffinity(0, allowed);
  }
}
