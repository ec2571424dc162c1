import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { requireBuild, root } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';

async function run(example: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const result = await execa('node', ['--import', 'tsx', `examples/${example}`, ...args], {
    cwd: root,
    reject: false,
    timeout: limit(15_000),
  });
  expect(result.exitCode, result.stderr).toBe(0);
  return { stdout: result.stdout, stderr: result.stderr };
}

beforeAll(requireBuild);

describe('examples', () => {
  test('each has 15 to 60 lines', () => {
    for (const file of readdirSync(`${root}examples`)) {
      const lines = readFileSync(`${root}examples/${file}`, 'utf8').trim().split('\n').length;
      expect({ file, short: lines <= 60, long: lines >= 15 }).toEqual({ file, short: true, long: true });
    }
  });

  test('syscall-logger names paths, results and ends of all processes', async () => {
    const { stdout, stderr } = await run(
      'syscall-logger.ts',
      'sh',
      '-c',
      'cat /etc/hostname; cat /nonexistent; exit 3',
    );
    expect(stdout).toBe(readFileSync('/etc/hostname', 'utf8').trimEnd());
    expect(stderr).toMatch(/openat\(\d+|0x[0-9a-f]+, "\/etc\/hostname"/);
    expect(stderr).toMatch(/openat\([^\n]*"\/nonexistent"[^\n]*= -1 ENOENT/);
    expect(stderr).toMatch(/--- SIGCHLD \(CLD_EXITED\) ---/);
    expect(stderr).toMatch(/\+\+\+ exited with 3 \+\+\+$/);
  });

  test('job-control sees stop and continuation of somebody else and disturbs neither', async () => {
    // set -m: SIGTSTP does nothing in an orphaned process group, which that of the tests may be.
    const shell = spawn(
      'bash',
      [
        '-c',
        'set -m; sleep 30 & echo $!; read; kill -TSTP $!; read; kill -CONT $!; read; kill -TERM $!; wait $!; echo "status $?"',
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    const lines: string[] = [];
    const next = new Map<string, () => void>();
    const expectLine = async (stream: NodeJS.ReadableStream, text: string): Promise<string> => {
      for (;;) {
        const found = lines.find((line) => line.includes(text));
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => {
          next.set(text, resolve);
          stream.once('data', resolve);
        });
      }
    };
    const collect = (stream: NodeJS.ReadableStream): void => {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => lines.push(...text.split('\n').filter(Boolean)));
    };
    collect(shell.stdout);
    const pid = await expectLine(shell.stdout, '');
    const watcher = execa('node', ['--import', 'tsx', 'examples/job-control.ts', pid], {
      cwd: root,
      timeout: limit(15_000),
    });
    collect(watcher.stdout);
    await expectLine(watcher.stdout, 'watching');
    shell.stdin.write('\n');
    await expectLine(watcher.stdout, 'stopped by SIGTSTP');
    shell.stdin.write('\n');
    await expectLine(watcher.stdout, 'continues');
    shell.stdin.write('\n');
    await expectLine(watcher.stdout, 'killed by SIGTERM');
    await watcher;
    await expectLine(shell.stdout, 'status 143');
  });

  test('breakpoint prints the arguments at the entry point', async () => {
    const { stdout } = await run('breakpoint.ts', 'echo', 'one', 'two words');
    expect(stdout).toMatch(/^breakpoint at 0x[0-9a-f]+: argc = 3\n/);
    expect(stdout).toContain('argv[2] = "two words"');
    expect(stdout).toContain('one two words\n');
    expect(stdout).toMatch(/exited with 0$/);
  });

  test('fault-injector makes a call fail', async () => {
    const { stdout } = await run('fault-injector.ts', 'write', 'ENOSPC', '1', '/bin/echo', 'lost');
    expect(stdout).toMatch(/^(\d+) of \1 calls of write failed with ENOSPC; exited with 1$/);
  });

  test('exec-tree draws who started what', async () => {
    const { stdout } = await run(
      'exec-tree.ts',
      'bash',
      // Without SHLVL, and with a socket as its input, bash would take itself for a remote shell and read ~/.bashrc.
      '--norc',
      '-c',
      'true; /bin/true; (/bin/false; exec /bin/echo x); exit 4',
    );
    expect(stdout).toMatch(
      /^\d+ bash --norc -c .* \[exit 4\]\n {2}\d+ \/bin\/true \[exit 0\]\n {2}\d+ \/bin\/echo x \[exit 0\]\n {4}\d+ \/bin\/false \[exit 1\]$/,
    );
  });
});
