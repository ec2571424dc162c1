import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
    for (const file of readdirSync(`${root}examples`, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue;
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

describe('engines', () => {
  test('two ptraces: one client steps, the other logs, each as if it were alone', async () => {
    const { stdout } = await run('engines/two-ptraces.ts', '600');
    const [, calls = '0'] = /^the logger saw getppid (\d+) times$/m.exec(stdout) ?? [];
    const [, places = '0'] = /^the stepper saw (\d+) instructions$/m.exec(stdout) ?? [];
    expect(Number(calls)).toBeGreaterThan(0);
    expect(Number(places)).toBeGreaterThan(1);
  });

  test('syscall-logger follows all processes', async () => {
    const { stdout, stderr } = await run('engines/syscall-logger.ts', 'sh', '-c', 'cat /etc/hostname | wc -l');
    expect(stdout.trim()).toBe('1');
    expect(new Set(stderr.match(/^\[\d+\] (execve|write)\(/gm)).size).toBeGreaterThan(2);
    expect(stderr).toMatch(/= -1 ENOENT$/m);
  });

  test('fault-injector makes a call fail', async () => {
    const { stdout } = await run('engines/fault-injector.ts', 'write', 'ENOSPC', '1', '/bin/echo', 'lost');
    expect(stdout).toMatch(/^(\d+) of \1 calls of write failed with ENOSPC$/);
  });

  test('deadline-killer shows where a sleeper was, and lets the quick alone', async () => {
    const { stdout } = await run('engines/deadline-killer.ts', '200', 'sleep', '1000');
    expect(stdout).toMatch(/^\d+ is late: pc 0x[0-9a-f]+, sp 0x[0-9a-f]+, system call \d+$/);
    expect((await run('engines/deadline-killer.ts', '60000', 'echo', 'done')).stdout).toBe('done');
  });

  test('step-coverage counts instructions', async () => {
    const { stdout } = await run('engines/step-coverage.ts', '500', 'true');
    const [, steps, different] = /^(\d+) instructions, (\d+) different ones$/.exec(stdout) ?? [];
    expect(Number(steps)).toBe(500);
    expect(Number(different)).toBeLessThan(500);
  });

  describe('side by side', () => {
    const expectAll = (stderr: string, threads: number): void => {
      const [, calls, seen] = /^(\d+) calls of (\d+) threads$/m.exec(stderr) ?? [];
      expect(Number(calls), stderr).toBeGreaterThan(100);
      expect(Number(seen), stderr).toBeGreaterThanOrEqual(threads);
      expect(stderr).toMatch(/^\d+ of \d+ calls of getcwd failed$/m);
      // 300 after each exec: python3 may be a script that executes another.
      const steps = Number(/^(\d+) steps over \d+ instructions$/m.exec(stderr)?.[1]);
      expect(steps, stderr).toBeGreaterThanOrEqual(300);
      expect(steps % 300, stderr).toBe(0);
      expect(stderr).not.toContain('Warning');
    };

    test('on python3 with threads', async () => {
      const code = [
        'import threading, os',
        'ends = []',
        'def work(n): os.stat("/"); ends.append(n)',
        'threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]',
        '[t.start() for t in threads]',
        '[t.join() for t in threads]',
        'print(sorted(ends))',
      ].join('\n');
      const { stdout, stderr } = await run('engines/side-by-side.ts', 'python3', '-S', '-c', code);
      expect(stdout).toBe('[0, 1, 2, 3, 4, 5]');
      expectAll(stderr, 7);
    });

    test('on bash with pipelines', async () => {
      const script = 'for i in 1 2 3; do echo $i | cat | tr 123 abc; done | sort -r';
      const { stdout, stderr } = await run('engines/side-by-side.ts', 'bash', '--norc', '-c', script);
      expect(stdout).toBe('c\nb\na');
      expectAll(stderr, 8);
    });

    test('on make -j2', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'engines-'));
      const rules = ['a', 'b', 'c'].map((name) => `${name}:\n\t@echo ${name} > ${name}; cat ${name}\n`);
      writeFileSync(join(folder, 'Makefile'), `all: a b c\n${rules.join('')}`);
      try {
        const { stdout, stderr } = await run('engines/side-by-side.ts', 'make', '-j2', '-s', '-C', folder);
        expect(stdout.split('\n').sort()).toEqual(['a', 'b', 'c']);
        expectAll(stderr, 4);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });
});
