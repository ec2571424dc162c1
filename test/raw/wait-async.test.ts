import { once } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { PtraceError } from '../../lib/errors.js';
import { isPtraceError, type PtraceReason } from '../../lib/errors.js';
import { PTRACE_O } from '../../lib/kernel/options.js';
import { SIG } from '../../lib/kernel/signals.js';
import { CLD, P_PGID, P_PID, P_PIDFD, W } from '../../lib/kernel/wait-flags.js';
import { script } from '../../lib/raw/child.js';
import { listen } from '../../lib/raw/doorbell.js';
import {
  closePidfd,
  cont,
  getpgid,
  interrupt,
  kill,
  pidfdOpen,
  setOptions,
  syscall,
  tgkill,
  wait4,
  wait4Async,
  waitidAsync,
} from '../../lib/raw/index.js';
import { type KernelLayer, kernelLayer, withKernelLayer } from '../../lib/raw/kernel-layer.js';
import { root } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';
import { stateOf, until } from './ends.js';
import { child, dead, interrupted, pauser, reaped, running, stopWord } from './tracee.js';

/** What a promise is rejected with. */
async function rejection(promise: Promise<unknown>): Promise<PtraceError> {
  try {
    await promise;
  } catch (error) {
    if (isPtraceError(error)) return error;
    throw error;
  }
  throw new Error('it was fulfilled');
}

async function expectRejection(promise: Promise<unknown>, reason: PtraceReason): Promise<PtraceError> {
  const error = await rejection(promise);
  expect(error.reason).toBe(reason);
  return error;
}

/** Whether a promise is pending after a turn of the event loop. */
async function pending(promise: Promise<unknown>): Promise<boolean> {
  const waiting = Symbol('waiting');
  return (await Promise.race([promise, delay(5, waiting)])) === waiting;
}

describe('wait4Async', () => {
  it('answers at once when something is there', async () => {
    const { pid } = child(script().exitGroup(3));
    until('it is a zombie', () => stateOf(pid) === 'Z');
    expect(await wait4Async(pid)).toEqual({ pid, status: 3 << 8, decoded: { kind: 'exited', code: 3 } });
    reaped(pid);
  });

  it('waits for what comes later, and lets the event loop go on', async () => {
    const pid = running();
    const wait = wait4Async(pid, W.__WALL);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    expect(await pending(wait)).toBe(true);
    interrupt(pid);
    expect((await wait).decoded).toMatchObject({ kind: 'event', event: 128 });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
    kill(pid, SIG.SIGKILL);
    expect((await wait4Async(pid)).status).toBe(SIG.SIGKILL);
    reaped(pid);
  });

  it(
    'misses nothing of a thousand stops',
    async () => {
      const pid = interrupted(script().getppidLoop(), PTRACE_O.TRACESYSGOOD);
      setOptions(pid, PTRACE_O.TRACESYSGOOD);
      for (let stop = 0; stop < 1000; stop++) {
        syscall(pid);
        expect((await wait4Async(pid, W.__WALL)).status).toBe(stopWord(SIG.SIGTRAP | 0x80));
      }
    },
    limit(60_000),
  );

  it('waits for many at once', async () => {
    const children = Array.from({ length: 30 }, () => running());
    const waits = children.map((pid) => wait4Async(pid, W.__WALL));
    for (const pid of children.toReversed()) tgkill(pid, pid, SIG.SIGUSR1);
    const found = await Promise.all(waits);
    expect(found.map(({ pid }) => pid)).toEqual(children);
    expect(new Set(found.map(({ status }) => status))).toEqual(new Set([stopWord(SIG.SIGUSR1)]));
  });

  it('tells what was used', async () => {
    const { pid } = child(script().spin(1_000_000).exitGroup(0));
    expect((await wait4Async(pid, 0, { rusage: true })).rusage?.maxRSS).toBeGreaterThan(0);
    reaped(pid);
  });

  it('rejects when there is nothing to wait for, and when that becomes so', async () => {
    await expectRejection(wait4Async(dead()), 'not-tracee');
    const { pid } = child(pauser());
    const first = wait4Async(pid);
    const second = wait4Async(pid);
    kill(pid, SIG.SIGKILL);
    const [one, other] = await Promise.allSettled([first, second]);
    reaped(pid);
    expect([one.status, other.status].sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('rejects what the synchronous form throws', async () => {
    await expectRejection(wait4Async('1' as never), 'bad-input');
    await expectRejection(wait4Async(1, W.WNOWAIT), 'bad-input');
    await expectRejection(wait4Async(1, W.WNOHANG), 'bad-input');
    await expectRejection(wait4Async(1, 0, { signal: {} } as never), 'bad-input');
    await expectRejection(wait4Async(1, 0, { unref: 1 } as never), 'bad-input');
    await expectRejection(wait4Async(1, 0, { timeout: 1 } as never), 'bad-input');
    await expectRejection(waitidAsync(9 as never, 1, W.WEXITED), 'bad-input');
    await expectRejection(waitidAsync(P_PID, dead(), 0), 'kernel');
  });
});

describe('waitidAsync', () => {
  it('waits by pid, group and pidfd', async () => {
    for (const by of ['pid', 'group', 'pidfd'] as const) {
      const { pid } = child(pauser());
      until('it has a group of its own', () => getpgid(pid) === pid);
      const pidfd = by === 'pidfd' ? pidfdOpen(pid) : -1;
      const wait =
        by === 'pid'
          ? waitidAsync(P_PID, pid, W.WEXITED)
          : by === 'group'
            ? waitidAsync(P_PGID, pid, W.WEXITED)
            : waitidAsync(P_PIDFD, pidfd, W.WEXITED);
      expect(await pending(wait)).toBe(true);
      kill(pid, SIG.SIGTERM);
      expect(await wait, by).toMatchObject({ pid, code: CLD.KILLED, status: SIG.SIGTERM });
      reaped(pid);
      if (pidfd >= 0) closePidfd(pidfd);
    }
  });

  it('looks with WNOWAIT', async () => {
    const { pid } = child(script().exitGroup(4));
    expect(await waitidAsync(P_PID, pid, W.WEXITED | W.WNOWAIT)).toMatchObject({ status: 4 });
    expect(wait4(pid)).toMatchObject({ status: 4 << 8 });
    reaped(pid);
  });

  it('hears of stopped and continued children', async () => {
    const { pid } = child(pauser());
    const stopped = waitidAsync(P_PID, pid, W.WSTOPPED);
    kill(pid, SIG.SIGSTOP);
    expect(await stopped).toMatchObject({ code: CLD.STOPPED });
    const continued = waitidAsync(P_PID, pid, W.WCONTINUED);
    kill(pid, SIG.SIGCONT);
    expect(await continued).toMatchObject({ code: CLD.CONTINUED });
  });

  it('notices the silent death of a child with another exit signal, if asked for such', async () => {
    // No such child can be made from here: the layer plays it, and never rings.
    let looks = 0;
    const silent: KernelLayer = {
      ...kernelLayer(),
      bellOpen: () => 0,
      bellArm: () => undefined,
      bellDisarm: () => undefined,
      bellReference: () => undefined,
      bellClose: () => undefined,
      wait4: (pid, _options, status) => {
        status[0] = 8 << 8;
        return ++looks > 5 ? pid : 0;
      },
    };
    const found = await withKernelLayer(silent, () => wait4Async(4242, W.__WCLONE));
    expect(found).toMatchObject({ pid: 4242, status: 8 << 8 });
  });
});

describe('AbortSignal', () => {
  it('ends the wait with its reason', async () => {
    const pid = running();
    const controller = new AbortController();
    const wait = wait4Async(pid, W.__WALL, { signal: controller.signal });
    expect(await pending(wait)).toBe(true);
    const reason = new Error('enough');
    controller.abort(reason);
    const error = await expectRejection(wait, 'aborted');
    expect(error.cause).toBe(reason);
    expect(error.tid).toBe(pid);
    // Nothing was consumed, and nobody listens any more.
    interrupt(pid);
    expect((await wait4Async(pid, W.__WALL)).decoded.kind).toBe('event');
  });

  it('that was aborted before ends it at once', async () => {
    const { pid } = child(script().exitGroup(1));
    until('it is a zombie', () => stateOf(pid) === 'Z');
    await expectRejection(wait4Async(pid, 0, { signal: AbortSignal.abort() }), 'aborted');
    expect(wait4(pid)).toMatchObject({ status: 1 << 8 });
    reaped(pid);
  });

  it('that comes too late changes nothing', async () => {
    const { pid } = child(script().exitGroup(1));
    const controller = new AbortController();
    const found = await wait4Async(pid, 0, { signal: controller.signal });
    reaped(pid);
    controller.abort();
    expect(found.status).toBe(1 << 8);
  });

  it('of a timeout', async () => {
    const error = await expectRejection(wait4Async(running(), 0, { signal: AbortSignal.timeout(10) }), 'aborted');
    expect(error.cause).toMatchObject({ name: 'TimeoutError' });
  });
});

describe('a storm elsewhere', () => {
  it(
    'does not keep this thread busy, and is survived',
    async () => {
      const { pid: victim } = child(script().getppidLoop());
      const worker = new Worker(
        `
      const { parentPort, workerData } = require('node:worker_threads');
      const addon = require(workerData.loader)(workerData.root);
      const { victim } = workerData;
      const status = new Int32Array(1);
      // The worker's own doorbell is armed too, so that its stops ring everywhere.
      addon.bellOpen(() => {});
      addon.bellArm();
      addon.ptrace(0x4206, victim, 0, 1);
      addon.ptrace(0x4207, victim, 0, 0);
      addon.wait4(victim, 0x40000000, status, null);
      let on = true;
      parentPort.on('message', () => (on = false));
      parentPort.postMessage('storm');
      const slice = () => {
        for (let i = 0; i < 200; i++) {
          addon.ptrace(24, victim, 0, 0);
          addon.wait4(victim, 0x40000000, status, null);
        }
        if (on) return setImmediate(slice);
        addon.ptrace(17, victim, 0, 0);
        addon.bellClose();
        parentPort.close();
      };
      slice();
    `,
        { eval: true, workerData: { loader: createRequire(import.meta.url).resolve('node-gyp-build'), root, victim } },
      );
      await once(worker, 'message');
      let rings = 0;
      const counter = listen(() => rings++);
      counter.arm();
      const pid = running();
      const wait = wait4Async(pid, W.__WALL);
      await delay(limit(300));
      expect(rings).toBeGreaterThan(0);
      tgkill(pid, pid, SIG.SIGUSR1);
      expect((await wait).status).toBe(stopWord(SIG.SIGUSR1));
      counter.close();
      const exit = once(worker, 'exit');
      worker.postMessage('enough');
      await exit;
      // All is quiet: the doorbell serves again.
      cont(pid);
      const again = wait4Async(pid, W.__WALL);
      tgkill(pid, pid, SIG.SIGUSR2);
      expect((await again).status).toBe(stopWord(SIG.SIGUSR2));
    },
    limit(30_000),
  );
});

describe('a Worker', () => {
  it('may end in any way while it waits', async () => {
    for (const way of ['terminate', 'process.exit', 'exception']) {
      const { pid } = child(pauser());
      const worker = new Worker(
        `
        import { parentPort, workerData } from 'node:worker_threads';
        import { waitidAsync } from ${JSON.stringify(new URL('../../dist/raw/index.js', import.meta.url).href)};
        const waits = [1, 2, 3].map(() => waitidAsync(1, workerData, ${W.WEXITED | W.WSTOPPED}));
        parentPort.on('message', (way) => {
          if (way === 'exception') throw new Error('enough');
          process.exit(5);
        });
        parentPort.postMessage('waiting');
      `,
        { eval: true, execArgv: ['--input-type=module'], workerData: pid },
      );
      await once(worker, 'message');
      if (way === 'terminate') {
        await worker.terminate();
      } else {
        const end = way === 'exception' ? once(worker, 'error') : once(worker, 'exit');
        worker.postMessage(way);
        await end;
        await worker.terminate();
      }
      // The child is as it was, and can be waited for.
      kill(pid, SIG.SIGTERM);
      expect((await wait4Async(pid)).status, way).toBe(SIG.SIGTERM);
      reaped(pid);
    }
  });
});

describe('the event loop', () => {
  const program = (unref: boolean): string => `
    import { wait4Async } from ${JSON.stringify(new URL('../../dist/raw/index.js', import.meta.url).href)};
    import { run, script } from ${JSON.stringify(new URL('../../dist/raw/child.js', import.meta.url).href)};
    const pid = run(script().nanosleep(${unref ? 60_000 : 300}).exitGroup(6));
    wait4Async(pid, 0, { unref: ${unref} }).then(({ decoded }) => console.log('code', decoded.code));
    process.on('exit', () => console.log('exit'));
  `;

  it('is kept alive by a wait', async () => {
    const { stdout } = await execa(process.execPath, ['--input-type=module', '-e', program(false)]);
    expect(stdout.split('\n')).toEqual(['code 6', 'exit']);
  });

  it('is not, with unref', async () => {
    const { stdout } = await execa(process.execPath, ['--input-type=module', '-e', program(true)], {
      timeout: limit(10_000),
    });
    expect(stdout).toBe('exit');
  });
});
