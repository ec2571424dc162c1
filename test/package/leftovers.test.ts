import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { leftovers, MARKER } from '../helpers/leftovers.js';

const none = new Set<number>();

/** Starts a process in a session of its own, so that only the marker can give it away. */
async function start(env: NodeJS.ProcessEnv): Promise<{ pid: number; stop: () => Promise<void> }> {
  const child = spawn('sleep', ['600'], { env, detached: true, stdio: 'ignore' });
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  return {
    pid,
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

describe('the search for processes left behind', () => {
  it('runs under a marked run', () => {
    expect(process.env[MARKER]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('finds a marked process wherever it hangs, and no longer when it is gone', async () => {
    const marker = 'a-run-of-its-own';
    const { pid, stop } = await start({ PATH: process.env['PATH'], [MARKER]: marker });
    try {
      // Seen from pid 1, with nothing to descend from and no common group: the environment alone tells.
      expect(leftovers(marker, 2 ** 22 + 1, none).map((process) => process.pid)).toEqual([pid]);
      expect(leftovers('another run', 2 ** 22 + 1, none)).toEqual([]);
    } finally {
      await stop();
    }
    expect(leftovers(marker, 2 ** 22 + 1, none)).toEqual([]);
  });

  it('finds a descendant without the marker', async () => {
    const { pid, stop } = await start({ PATH: process.env['PATH'] });
    try {
      expect(leftovers('no such run', process.pid, none).map((process) => process.pid)).toContain(pid);
    } finally {
      await stop();
    }
  });

  it('leaves out what was there before and the workers of the run itself', async () => {
    const { pid, stop } = await start({ PATH: process.env['PATH'] });
    try {
      const found = (before: ReadonlySet<number>, worker: boolean): number[] =>
        leftovers('no such run', process.pid, before, (process) => worker && process.pid === pid).map(
          (process) => process.pid,
        );
      expect(found(new Set([pid]), false)).not.toContain(pid);
      expect(found(none, true)).not.toContain(pid);
    } finally {
      await stop();
    }
  });
});
