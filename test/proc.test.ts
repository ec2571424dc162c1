import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { procIsExiting, procIsKernelThread, procPids, procStat, procState, procStatus } from '../lib/proc.js';
import { until } from './helpers/processes.js';
import { scratch } from './helpers/scratch.js';

it('the fields of /proc/TID/stat are read behind a name with blanks and parentheses', async () => {
  const file = join(scratch(), 'a) R 1 1 (b');
  copyFileSync('/bin/sleep', file);
  const sleeper = spawn(file, ['60'], { stdio: 'ignore', detached: true });
  const pid = sleeper.pid ?? 0;
  try {
    await until(() => procStatus(pid)?.name === 'a) R 1 1 (b' && procState(pid) === 'S', 'its sleep');
    expect(procStat(pid)).toMatchObject({ state: 'S', ppid: process.pid, pgid: pid, sid: pid });
    expect(procPids()).toEqual(expect.arrayContaining([1, process.pid, pid]));
  } finally {
    sleeper.kill('SIGKILL');
    await once(sleeper, 'exit');
  }
});

it('a living process of a user is neither the kernel’s own nor exiting; who is gone is neither', () => {
  expect([procIsKernelThread(process.pid), procIsExiting(process.pid)]).toEqual([false, false]);
  expect([procStat(0x3f_ffff), procIsKernelThread(0x3f_ffff), procIsExiting(0x3f_ffff)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
