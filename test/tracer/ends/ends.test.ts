/**
 * Every way a Node process or a Worker can end while it traces, in every state that a tracee can be in. Afterwards nothing is left in a
 * tracing stop: what was spawned is gone, what was attached goes on as its job control has it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { binding } from '../../../lib/binding.js';
import { script } from '../../../lib/raw/child.js';
import { root } from '../../helpers/dist.js';
import { limit } from '../../helpers/scale.js';
import { child, expectGone, expectUntraced, isGone, isOver, readWord, until, within } from '../../helpers/tracing.js';

const victim = fileURLToPath(new URL('victim.mjs', import.meta.url));

/** How Node ends itself, and what its parent sees of that. */
const kindly = {
  exit: { code: 3 },
  uncaught: { code: 1 },
  rejection: { code: 1 },
  natural: { code: 0 },
  'worker-exit': { code: 0 },
  'worker-uncaught': { code: 0 },
  'worker-natural': { code: 0 },
  'worker-terminate': { code: 0 },
} as const;

/** Ends in which no code of ours runs: the kernel detaches, or kills by PTRACE_O_EXITKILL. */
const hardly = {
  abort: { signal: 'SIGABRT' },
  SIGTERM: { signal: 'SIGTERM' },
  SIGINT: { signal: 'SIGINT' },
  SIGHUP: { signal: 'SIGHUP' },
  SIGKILL: { signal: 'SIGKILL' },
  SIGSEGV: { signal: 'SIGSEGV' },
} as const;

type Way = keyof typeof kindly | keyof typeof hardly;
const kindWays = Object.keys(kindly) as (keyof typeof kindly)[];
const hardWays = Object.keys(hardly) as (keyof typeof hardly)[];
const states = ['running', 'signal-delivery', 'syscall-entry', 'group-stop', 'listening', 'exit', 'step'] as const;
type State = (typeof states)[number] | 'vfork';

/** Runs the victim to its end; `over` is called when its tracing thread has ended, while its process may live on. */
async function end(
  plan: { way: Way; state: State; policy: 'kill' | 'detach'; pid?: number },
  over: (pid: number) => Promise<void>,
): Promise<void> {
  const entry = new URL(`file://${root}bundle/index.js`).href;
  // No core files of the ones that crash.
  const node = spawn(
    'sh',
    ['-c', 'ulimit -c 0; exec "$0" "$@"', process.execPath, victim, JSON.stringify({ entry, ...plan })],
    {
      stdio: ['pipe', 'pipe', 'ignore'],
    },
  );
  const ended = once(node, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  let pid = 0;
  let threadOnly = false;
  for await (const line of createInterface({ input: node.stdout })) {
    if (line.startsWith('ready ')) pid = Number(line.slice(6));
    if (line === 'over') {
      threadOnly = true;
      await over(pid);
      node.stdin.end();
    }
  }
  const [code, signal] = await within(ended, 'Node ends');
  const expected: { code?: number; signal?: string } = { ...kindly, ...hardly }[plan.way];
  expect({ code, signal }).toEqual({ code: expected.code ?? null, signal: expected.signal ?? null });
  expect(pid, 'it became ready').toBeGreaterThan(0);
  if (!threadOnly) await over(pid);
}

/** Makes system calls and naps for ever; SIGUSR1 makes it exit with 42. */
const target = () =>
  script()
    .handle('SIGUSR1', (s) => s.exitGroup(42))
    .store('begun', 1)
    .loop((s) => s.nanosleep(5).syscall('getppid'));

/** Such a process, its handler in place. */
async function begunTarget(): Promise<number> {
  const started = child(target());
  await until(() => readWord(started, 'begun') === 1n, 'the target has begun');
  return started.pid;
}

/** Waits for a child of this process that is not traced any more: its wait status word. */
async function statusWord(pid: number): Promise<number> {
  const word = new Int32Array(1);
  await until(
    () => binding().wait4(pid, 1, word, null) === pid,
    () => `${pid} ends`,
  );
  return word[0] ?? -1;
}

const EXITED_42 = 42 << 8;
const SIGTERM = 15;
const SIGTRAP = 5;

async function expectDetached(pid: number, state: State, kind: boolean): Promise<void> {
  switch (state) {
    case 'group-stop':
    case 'listening':
      await expectUntraced(pid, 'T');
      return;
    case 'exit':
      expect(await statusWord(pid)).toBe(SIGTERM);
      return;
    case 'signal-delivery':
      // A consumed signal is lost when the kernel has to detach; we deliver it.
      if (kind) expect(await statusWord(pid)).toBe(EXITED_42);
      else await expectUntraced(pid, 'RS');
      return;
    case 'step':
      // The kernel leaves the pending trap behind: it cannot be undone from a process that is no more.
      if (kind) await expectUntraced(pid, 'RS');
      else expect(await statusWord(pid)).toBe(SIGTRAP);
      return;
    case 'vfork':
      await expectUntraced(pid, 'RSD');
      return;
    default:
      await expectUntraced(pid, 'RS');
  }
  // It really goes on.
  binding().kill(pid, 10);
  expect(await statusWord(pid)).toBe(EXITED_42);
}

/** Dead; to be reaped by whoever inherits the children of a process that was killed. */
async function expectOver(pid: number): Promise<void> {
  await until(
    () => isOver(pid),
    () => `${pid} is dead`,
  );
}

describe.each([...kindWays, ...hardWays])('Node or its Worker ends by %s', (way) => {
  test.each(states)(
    'an attached process in %s goes on',
    async (state) => {
      const pid = await begunTarget();
      await end({ way, state, policy: 'detach', pid }, () => expectDetached(pid, state, way in kindly));
    },
    limit(20_000),
  );

  test.each(states)(
    'a spawned process in %s is gone',
    async (state) => {
      await end({ way, state, policy: 'kill' }, way in kindly ? expectGone : expectOver);
    },
    limit(20_000),
  );
});

describe.each(['exit', 'worker-terminate', 'SIGKILL'] as const)('a vfork is under way and Node ends by %s', (way) => {
  test(
    'parent and child are let go',
    async () => {
      const { pid } = child(
        script()
          .nanosleep(20)
          .loop((s) => s.vfork((v) => v.nanosleep(300).exitGroup(0)).nanosleep(20)),
      );
      await end({ way, state: 'vfork', policy: 'detach', pid }, async () => {
        await expectUntraced(pid, 'RSD');
        expect(isGone(pid)).toBe(false);
      });
    },
    limit(20_000),
  );
});
