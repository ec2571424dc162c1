/**
 * Real programs under `for await`: they do what they do untraced, with the same output and the same exit code.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isEnd, type ResumeMode, type SpawnOptions, type TraceEvent } from '../../../lib/tracer/index.js';
import { limit } from '../../helpers/scale.js';
import { describeProcess, describeStop, has, newTracer, which, within } from '../../helpers/tracing.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'linux-ptrace-programs-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  readonly end: string;
  readonly stdout: string;
  readonly stderr: string;
  /** How many stops of each kind. */
  readonly kinds: Readonly<Record<string, number>>;
}

interface How {
  readonly events?: readonly TraceEvent[];
  readonly resume?: ResumeMode;
  readonly input?: string;
  readonly options?: SpawnOptions;
}

async function text(stream: AsyncIterable<Buffer> | null): Promise<string> {
  const chunks: Buffer[] = [];
  if (stream !== null) for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Runs a program to its end and its children's, whatever they do. */
async function run(file: string, args: readonly string[], how: How = {}): Promise<Run> {
  const tracer = newTracer({ ...(how.events && { events: how.events }), resume: how.resume ?? 'cont' });
  const program = await tracer.spawn(which(file), args, { cwd: folder, stdio: 'pipe', ...how.options });
  program.stdin?.end(how.input ?? '');
  const output = Promise.all([text(program.stdout), text(program.stderr)]);
  const kinds: Record<string, number> = {};
  const ended = new Set<number>();
  let end = 'none';
  const last: string[] = [];
  const loop = (async () => {
    for await (const stop of tracer) {
      last.push(describeStop(stop));
      if (last.length > 20) last.shift();
      kinds[stop.kind] = (kinds[stop.kind] ?? 0) + 1;
      if (!isEnd(stop)) continue;
      expect(ended.has(stop.tid)).toBe(false);
      ended.add(stop.tid);
      if (stop.tracee === program) end = stop.kind === 'exited' ? `exited ${stop.code}` : describeStop(stop);
    }
  })();
  await within(
    loop,
    () => `${file} ends; ${tracer.tracees.map(({ tid }) => describeProcess(tid)).join('; ')}; last: ${last.join(', ')}`,
    20_000,
  );
  const [stdout, stderr] = await within(output, 'its output');
  await tracer.close();
  return { end, stdout, stderr, kinds };
}

/** All three ways to look at it: events only, with exits, every system call. */
const HOWS: readonly How[] = [
  {},
  { events: ['fork', 'vfork', 'vfork-done', 'clone', 'exit'] },
  { events: ['fork', 'vfork', 'clone'], resume: 'syscall' },
];

test('bash waits for its background job', async (context) => {
  if (!has('bash')) context.skip('no bash here');
  for (const how of HOWS) {
    const ran = await run('bash', ['-c', 'sleep 0.1 & wait; echo "done $?"; exit 3'], how);
    expect([ran.end, ran.stdout, ran.stderr]).toEqual(['exited 3', 'done 0\n', '']);
  }
});

test(
  'bash with pipes, subshells, traps and signals',
  async (context) => {
    if (!has('bash')) context.skip('no bash here');
    // Only its parent's wait tells that a traced job has stopped: /proc says 't' of any ptrace-stop, of its first one, too.
    const source = `
    trap 'echo got usr1' USR1
    kill -USR1 $$
    (exit 7); echo "subshell $?"
    seq 1 100 | sort -n | tail -1
    set -m
    (kill -STOP $BASHPID; echo continued) & job=$!
    wait $job; echo "stopped $?"
    bg %% >/dev/null; wait $job; echo "job $?"
    set +m
    sleep 100 & kill -TERM $!; wait $!; echo "killed $?"
    exit 5`;
    for (const how of HOWS.slice(0, 2)) {
      const ran = await run('bash', ['-c', source], how);
      expect(ran.stdout).toBe('got usr1\nsubshell 7\n100\nstopped 147\ncontinued\njob 0\nkilled 143\n');
      expect(ran.end).toBe('exited 5');
    }
  },
  limit(60_000),
);

test('a program killed by its own signal', async () => {
  const ran = await run('sh', ['-c', 'ulimit -c 0; kill -SEGV $$']);
  expect(ran.end).toMatch(/^\d+: killed SIGSEGV$/);
});

test('input and output of a megabyte', async () => {
  const input = 'x'.repeat(1 << 20);
  const ran = await run('cat', [], { input });
  expect([ran.end, ran.stdout.length, ran.stdout === input]).toEqual(['exited 0', 1 << 20, true]);
});

test(
  'python3 with threads and a child',
  async (context) => {
    if (!has('python3')) return context.skip('no python3');
    const source = `
import os, subprocess, sys, threading
found = []
threads = [threading.Thread(target=lambda n=n: found.append(n * n)) for n in range(20)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sum(found), subprocess.run(["sh", "-c", "echo child; exit 4"]).returncode, flush=True)
pid = os.fork()
if pid == 0: os._exit(9)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
sys.exit(6)`;
    for (const how of HOWS.slice(0, 2)) {
      const ran = await run('python3', ['-c', source], how);
      expect([ran.end, ran.stdout]).toEqual(['exited 6', 'child\n2470 4\n9\n']);
      expect(ran.kinds['clone']).toBeGreaterThanOrEqual(20);
    }
  },
  limit(60_000),
);

test(
  'node with Workers and children',
  async () => {
    const source = `
    const { Worker } = require('node:worker_threads');
    const { spawnSync, spawn } = require('node:child_process');
    console.log(spawnSync('sh', ['-c', 'exit 3']).status);
    new Worker('process.exit(2)', { eval: true }).on('exit', (code) => {
      console.log('worker', code);
      spawn('sh', ['-c', 'kill -TERM $$']).on('exit', (code, signal) => { console.log(code, signal); process.exit(8); });
    });`;
    for (const how of HOWS.slice(0, 2)) {
      const ran = await run('node', ['-e', source], how);
      expect([ran.end, ran.stdout, ran.stderr]).toEqual(['exited 8', '3\nworker 2\nnull SIGTERM\n', '']);
    }
  },
  limit(60_000),
);

test(
  'make and gcc',
  async (context) => {
    if (!has('gcc') || !has('make')) return context.skip('no gcc or no make');
    writeFileSync(
      join(folder, 'a.c'),
      '#include <stdio.h>\nint b(void);\nint main(void) { printf("%d\\n", b()); return 0; }\n',
    );
    writeFileSync(join(folder, 'b.c'), 'int b(void) { return 42; }\n');
    writeFileSync(join(folder, 'Makefile'), 'ab: a.o b.o\n\tgcc -o ab a.o b.o\n\t./ab > out\nbad:\n\tfalse\n');
    const ran = await run('make', ['-j4', 'ab']);
    expect([ran.end, ran.stderr]).toEqual(['exited 0', '']);
    expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('42\n');
    expect(ran.kinds['exec']).toBeGreaterThanOrEqual(6);
    expect((await run('make', ['bad'])).end).toBe('exited 2');
  },
  limit(60_000),
);

test(
  'git',
  async (context) => {
    if (!has('git')) return context.skip('no git');
    const git = (...args: string[]): Promise<Run> =>
      run('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'init.defaultBranch=main', ...args], {
        options: { env: { PATH: process.env['PATH'] ?? '', HOME: folder, GIT_CONFIG_NOSYSTEM: '1' } },
      });
    expect((await git('init', '-q', '.')).end).toBe('exited 0');
    writeFileSync(join(folder, 'file'), 'text\n');
    expect((await git('add', 'file')).end).toBe('exited 0');
    expect((await git('commit', '-q', '-m', 'first')).end).toBe('exited 0');
    const log = await git('log', '--format=%s');
    expect([log.end, log.stdout]).toEqual(['exited 0', 'first\n']);
    expect((await git('gc', '-q')).end).toBe('exited 0');
    expect((await git('no-such-command')).end).toBe('exited 1');
  },
  limit(60_000),
);
