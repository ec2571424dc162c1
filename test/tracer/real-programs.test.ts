/** Real programs under a tracer: their output and exit code stay what they are, and nothing is left of them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isEnd, type ResumeMode } from '../../lib/tracer/index.js';
import { limit } from '../helpers/scale.js';
import { expectGone, has, newTracer, until, which, within } from '../helpers/tracing.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'linux-ptrace-real-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A program and what it needs; it runs in an empty folder of its own. */
interface Program {
  readonly file: string;
  readonly args: readonly string[];
  /** Other programs it needs. */
  readonly needs?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  /** How many processes at least take part. */
  readonly processes: number;
  readonly code?: number;
  readonly output: string;
}

// Nothing of the machine's own configuration has a say.
const environment = {
  PATH: process.env['PATH'],
  LC_ALL: 'C',
  HOME: '/nowhere',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_DATE: '2000-01-01T00:00:00Z',
  GIT_COMMITTER_DATE: '2000-01-01T00:00:00Z',
};

const programs: Readonly<Record<string, Program>> = {
  'a pipeline of bash': {
    file: 'bash',
    args: ['-c', 'seq 1 100 | grep 7 | sort -rn | head -n 3; (exit 3); echo "$?"; cat <(echo sub) - <<< here; exit 5'],
    needs: ['seq', 'grep', 'sort', 'head', 'cat'],
    processes: 8,
    code: 5,
    output: '97\n87\n79\n3\nsub\nhere\n',
  },
  'bash with jobs, traps and signals': {
    file: 'bash',
    args: [
      '-c',
      'trap "echo caught" USR1; kill -USR1 $$; sleep 100 & kill -STOP $!; kill -CONT $!; kill $!; wait $!; echo $?; kill -9 $$',
    ],
    needs: ['sleep'],
    processes: 2,
    output: 'caught\n143\n',
  },
  'python with threads and a subprocess': {
    file: 'python3',
    args: [
      '-c',
      `
import subprocess, sys, threading
seen = []
threads = [threading.Thread(target=lambda n=n: seen.append(n)) for n in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
done = subprocess.run(['/bin/sh', '-c', 'echo child; exit 4'], stdout=subprocess.PIPE)
print(sorted(seen), done.stdout.decode().strip(), done.returncode)
sys.exit(6)
`,
    ],
    processes: 2,
    code: 6,
    output: '[0, 1, 2, 3, 4, 5, 6, 7] child 4\n',
  },
  'git: a repository and a commit': {
    file: 'bash',
    args: [
      '-c',
      'git init -q . && git add file && git -c user.name=a -c user.email=a@b.c commit -q -m one && git log --format=%s%n%an && git fsck && git show --stat --format=%h | tail -n 1',
    ],
    needs: ['git', 'tail'],
    files: { file: 'content\n' },
    processes: 6,
    output: 'one\na\n 1 file changed, 1 insertion(+)\n',
  },
  'gcc, and what it made': {
    file: 'bash',
    args: ['-c', 'gcc -pipe -o program program.c && ./program; echo $?'],
    needs: ['gcc'],
    files: { 'program.c': '#include <stdio.h>\nint main(void) { puts("compiled"); return 9; }\n' },
    processes: 5,
    output: 'compiled\n9\n',
  },
  'make -j2': {
    file: 'make',
    args: ['-s', '-j2', 'all'],
    needs: ['cat', 'sleep'],
    files: {
      Makefile:
        'all: a b c d\n\tcat a b c d\n' +
        ['a', 'b', 'c', 'd'].map((name) => `${name}:\n\tsleep 0.01; echo ${name} > ${name}\n`).join(''),
    },
    processes: 6,
    output: 'a\nb\nc\nd\n',
  },
  'node with a Worker and a child process': {
    file: 'node',
    args: [
      '-e',
      `
const { Worker } = require('node:worker_threads');
const { execFile } = require('node:child_process');
new Worker('require("node:worker_threads").parentPort.postMessage(6 * 7)', { eval: true }).on('message', (answer) => {
  execFile('/bin/sh', ['-c', 'echo child; exit 3'], (error, output) => {
    console.log(answer, output.trim(), error.code);
    process.exitCode = 8;
  });
});
`,
    ],
    processes: 2,
    code: 8,
    output: '42 child 3\n',
  },
};

interface Outcome {
  readonly output: string;
  readonly code: number | undefined;
  readonly signal: number | undefined;
  readonly processes: number;
}

/** Runs a program to its end under `for await`, and everything that it starts. */
async function traced(program: Program, mode: ResumeMode): Promise<Outcome> {
  const tracer = newTracer({ resume: mode });
  const tracee = await tracer.spawn(which(program.file), program.args, {
    argv0: program.file,
    cwd: folder,
    env: environment,
    stdio: ['null', 'pipe', 'inherit'],
  });
  const output: Buffer[] = [];
  tracee.stdout?.on('data', (data: Buffer) => output.push(data));
  const pids = new Set<number>();
  const outcome: { code: number | undefined; signal: number | undefined } = { code: undefined, signal: undefined };
  for await (const stop of tracer) {
    pids.add(stop.tracee.pid);
    if (!isEnd(stop) || stop.tracee !== tracee) continue;
    if (stop.kind === 'exited') outcome.code = stop.code;
    else outcome.signal = stop.signal;
  }
  expect(tracer.tracees).toEqual([]);
  await until(() => tracee.stdout?.readableEnded, 'the end of its output');
  for (const pid of pids) await expectGone(pid);
  return { output: Buffer.concat(output).toString(), ...outcome, processes: pids.size };
}

for (const mode of ['cont', 'syscall'] as const) {
  describe(`resumed with '${mode}'`, () => {
    for (const [name, program] of Object.entries(programs)) {
      const missing = [program.file, ...(program.needs ?? [])].filter((file) => !has(file));
      const why = missing.length > 0 ? ` (skipped: no ${missing.join(', ')} here)` : '';
      it.skipIf(missing.length > 0)(`${name}${why}`, { timeout: limit(60_000) }, async () => {
        for (const [file, content] of Object.entries(program.files ?? {})) writeFileSync(join(folder, file), content);
        const result = await within(traced(program, mode), `${name} ends`, 50_000);
        expect(result.output).toEqual(program.output);
        const killed = program.args.some((text) => text.endsWith('kill -9 $$'));
        expect([result.code, result.signal]).toEqual(killed ? [undefined, 9] : [program.code ?? 0, undefined]);
        expect(result.processes).toBeGreaterThanOrEqual(program.processes);
      });
    }
  });
}

describe('without a tracer', () => {
  // What is expected above is what the programs do by themselves.
  for (const [name, program] of Object.entries(programs)) {
    const missing = [program.file, ...(program.needs ?? [])].filter((file) => !has(file));
    const why = missing.length > 0 ? ` (skipped: no ${missing.join(', ')} here)` : '';
    it.skipIf(missing.length > 0)(`${name}${why}`, { timeout: limit(30_000) }, () => {
      for (const [file, content] of Object.entries(program.files ?? {})) writeFileSync(join(folder, file), content);
      const result = spawnSync(which(program.file), program.args, { cwd: folder, env: environment });
      expect(result.stdout.toString()).toEqual(program.output);
      if (result.signal === null) expect(result.status).toBe(program.code ?? 0);
    });
  }
});

describe("resumed with 'step'", () => {
  it('/bin/true, instruction by instruction', { timeout: limit(60_000) }, async () => {
    const tracer = newTracer({ resume: 'step' });
    const tracee = await tracer.spawn('/bin/true', [], { stdio: 'null' });
    let steps = 0;
    let end: unknown;
    for await (const stop of tracer) {
      if (stop.kind === 'step') steps++;
      if (isEnd(stop)) end = { kind: stop.kind, status: stop.status };
    }
    expect(end).toEqual({ kind: 'exited', status: 0 });
    expect(steps).toBeGreaterThan(1000);
    await expectGone(tracee.pid);
  });
});
