import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { command, dist } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';
import { carriers, marked, remains } from '../series/remains.js';

describe('a signal', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)('%s leaves no process behind', async (signal) => {
    const child = spawn('node', [command(), 'series', 'all'], {
      env: marked(signal),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const errors: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    // The command, and of several programs stagehand, mother and tracee.
    const end = Date.now() + limit(10_000);
    while (carriers(signal).length < 8 && Date.now() < end) await delay(5);
    child.kill(signal);
    expect(await closed).toEqual([null, signal]);
    expect(Buffer.concat(errors).toString()).toBe('');
    expect(await remains(signal)).toEqual([]);
  });
});

describe('what listens to a signal', () => {
  it('may be many: Node does not warn of a leak', async () => {
    const words = `
      const { untilSignalled } = await import('${dist('cli/ends.js')}');
      await untilSignalled(async (signal) => {
        for (let i = 0; i < 30; i++) signal.addEventListener('abort', () => undefined);
        // A warning is printed on the next turn.
        await new Promise((next) => setImmediate(next));
      });`;
    const { stderr } = await execa('node', ['--input-type=module', '--eval', words]);
    expect(stderr).toBe('');
  });
});

describe('an output that nobody reads', () => {
  it('ends the command quietly, and its processes', async () => {
    const child = spawn('node', [command(), 'series', 'all'], {
      env: marked('EPIPE'),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const errors: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    const closed = once(child, 'close');
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect(await closed).toEqual([141, null]);
    expect(Buffer.concat(errors).toString()).toBe('');
    expect(await remains('EPIPE')).toEqual([]);
  });

  it('ends other subcommands, too', async () => {
    const { stdout, stderr } = await execa('sh', ['-c', '"$0" "$1" --help | true; echo done', 'node', command()]);
    expect([stdout, stderr]).toEqual(['done', '']);
  });
});

describe('a failure', () => {
  const failing = `
    import { PtraceError } from '${dist('errors.js')}';
    import { fail } from '${dist('cli/ends.js')}';
    fail(new PtraceError({ request: 'PTRACE_SEIZE', tid: 42, errno: 1, reason: 'denied' }));
  `;
  const run = (code: string, env: NodeJS.ProcessEnv): Promise<{ stderr: string; exitCode?: number | undefined }> =>
    execa('node', ['--input-type=module', '--eval', code], { reject: false, env });

  it('is a message and exit code 1', async () => {
    const { stderr, exitCode } = await run(failing, {});
    expect(stderr).toMatch(/^linux-ptrace: cannot PTRACE_SEIZE 42: [^\n]*\(EPERM\)$/);
    expect(exitCode).toBe(1);
  });

  it('has a stack when asked for', async () => {
    const { stderr, exitCode } = await run(failing, { LINUX_PTRACE_DEBUG: '1' });
    expect(stderr).toMatch(/^linux-ptrace: cannot PTRACE_SEIZE 42: .*\n[\s\S]*\n {4}at /);
    expect(exitCode).toBe(1);
  });

  it('of the command itself says how to learn more', async () => {
    const code = `import { fail } from '${dist('cli/ends.js')}'; fail(new TypeError('x is not a function'));`;
    const { stderr, exitCode } = await run(code, {});
    expect(stderr.split('\n')).toEqual([
      'linux-ptrace: x is not a function',
      'LINUX_PTRACE_DEBUG=1 shows where it comes from.',
    ]);
    expect(exitCode).toBe(1);
  });
});
