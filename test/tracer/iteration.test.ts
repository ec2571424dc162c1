import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { SIG } from '../../lib/kernel/signals.js';
import { type SpawnOptions, type Stop, type TracerOptions } from '../../lib/tracer/index.js';
import {
  attachOne,
  child,
  expectEnd,
  expectGone,
  expectKind,
  has,
  newTracer,
  pauser,
  seizeOne,
  send,
  stateOf,
  turns,
  until,
  which,
  within,
} from '../helpers/tracing.js';
import { limit } from '../helpers/scale.js';
import { collect, held, paused } from './programs.js';

describe('for await', () => {
  it('delivers an unhandled signal', async () => {
    const tracer = newTracer();
    const { go, word, started } = await held(
      (s) =>
        s
          .handle('SIGUSR1', (h) => h.store('got', 1))
          .tgkillSelf('SIGUSR1')
          .trap(),
      tracer,
    );
    go();
    const kinds: string[] = [];
    for await (const stop of tracer) {
      kinds.push(stop.kind);
      if (stop.kind === 'breakpoint') {
        expect(word('got')).toBe(1n);
        send(started.pid, SIG.SIGKILL);
      }
    }
    expect(kinds).toEqual(['signal-delivery', 'breakpoint', 'killed']);
  });

  it('listens to an unhandled group-stop: the process stays stopped, and SIGCONT continues it', async () => {
    const tracer = newTracer();
    const pid = await paused();
    const tracee = await seizeOne(tracer, pid);
    const stops: Stop[] = [];
    const loop = (async () => {
      for await (const stop of tracer) stops.push(stop);
    })();
    for (const signal of [SIG.SIGSTOP, SIG.SIGTSTP, SIG.SIGTTIN, SIG.SIGTTOU]) {
      stops.length = 0;
      send(pid, signal);
      await until(() => tracee.state === 'listening', 'it listens');
      expect(stateOf(pid)).toBe('t');
      expect(stops.map((stop) => stop.kind)).toEqual(['signal-delivery', 'group-stop']);
      // It does not run: what comes meanwhile stays pending.
      await turns(5);
      expect(tracee.state).toBe('listening');
      send(pid, SIG.SIGCONT);
      await until(() => tracee.state === 'running' && stateOf(pid) === 'S', 'it runs on');
      expect(stops.map((stop) => stop.kind)).toEqual([
        'signal-delivery',
        'group-stop',
        'event-stop',
        'signal-delivery',
      ]);
    }
    send(pid, SIG.SIGTERM);
    await within(loop, 'the end of the loop');
    expect(stops.at(-1)).toMatchObject({ kind: 'killed', signal: SIG.SIGTERM });
  });

  it('delivers the SIGTRAP of a breakpoint that nobody wanted', async () => {
    const tracer = newTracer();
    const { go } = await held((s) => s.trap().exitGroup(0), tracer);
    go();
    const stops = await within(collect(tracer), 'the end');
    expect(stops.map((stop) => stop.kind)).toEqual(['breakpoint', 'killed']);
    expect(stops.at(-1)).toMatchObject({ signal: SIG.SIGTRAP });

    const handled = newTracer();
    const second = await held(
      (s) =>
        s
          .handle('SIGTRAP', (h) => h.store('got', 1))
          .trap()
          .load('got')
          .exitGroup(7),
      handled,
    );
    second.go();
    const others = await within(
      collect(handled, (stop) => {
        if (stop.kind === 'breakpoint' && process.arch === 'arm64') stop.tracee.registers.pc += 4n;
      }),
      'the end',
    );
    expect(others.at(-1)).toMatchObject({ kind: 'exited', code: 7 });
  });

  it('does nothing with a stop that the body handled, or holds', async () => {
    const tracer = newTracer();
    const { tracee, go } = await held((s) => s.trap().trap().exitGroup(5), tracer);
    go();
    let heldStop: Extract<Stop, { kind: 'breakpoint' }> | undefined;
    const loop = (async () => {
      for await (const stop of tracer) {
        if (stop.kind !== 'breakpoint') continue;
        if (process.arch === 'arm64') stop.tracee.registers.pc += 4n;
        if (heldStop !== undefined) {
          // Handled: resumed without its signal.
          stop.resume();
          continue;
        }
        heldStop = stop;
        expect(stop.held).toBe(false);
        stop.hold();
        expect(stop.held).toBe(true);
      }
    })();
    await until(() => heldStop, 'the held stop');
    await turns(10);
    expect(heldStop!.usedUp).toBe(false);
    expect(tracee.stop).toBe(heldStop);
    expect(tracee.state).toBe('stopped');
    heldStop!.resume();
    await within(loop, 'the end of the loop');
    expect(await tracee.end()).toMatchObject({ kind: 'exited', code: 5 });
  });

  it('resumes what spawn and attach left stopped, unless it was handled or held', async () => {
    const tracer = newTracer();
    const spawned = await tracer.spawn('/bin/sh', ['-c', 'exit 3'], { stdio: 'null' });
    const attached = await attachOne(tracer, child(pauser()).pid);
    const kept = await attachOne(tracer, child(pauser()).pid);
    kept.stop!.hold();
    expect([spawned.stop?.kind, attached.stop?.kind, kept.stop?.kind]).toEqual(['exec', 'event-stop', 'event-stop']);
    const loop = collect(tracer);
    expect(await within(spawned.end(), 'its end')).toMatchObject({ kind: 'exited', code: 3 });
    await until(() => stateOf(attached.pid) === 'S', 'it runs');
    expect(kept.state).toBe('stopped');
    for (const { pid } of [attached, kept]) send(pid, SIG.SIGKILL);
    await within(loop, 'the end of the loop');
    expect(tracer.tracees).toEqual([]);
  });

  it('ends when nothing is traced any more, and at once when nothing is', async () => {
    const tracer = newTracer();
    expect(await within(collect(tracer), 'the loop')).toEqual([]);
    const tracee = await attachOne(tracer, child(pauser()).pid);
    const loop = collect(tracer);
    await tracee.detach();
    expect(await within(loop, 'the loop')).toEqual([]);
  });

  it('can be left and begun again; the stop of the break is held by nobody', async () => {
    const tracer = newTracer({ resume: 'syscall' });
    const { tracee, go } = await held((s) => s.getppidLoop(20).exitGroup(2), tracer);
    go('syscall');
    let broken: Stop | undefined;
    for await (const stop of tracer) {
      if (stop.kind === 'syscall-entry' && stop.name === 'getppid') {
        broken = stop;
        break;
      }
    }
    await turns(3);
    expect(tracee.stop).toBe(broken);
    tracee.resume('syscall');
    let calls = 0;
    for await (const stop of tracer) if (stop.kind === 'syscall-exit' && stop.entry?.name === 'getppid') calls++;
    expect(calls).toBe(20);
  });

  it("resumes in the tracer's mode", async () => {
    for (const [mode, kinds] of [
      ['cont', ['exited']],
      ['syscall', ['syscall-entry', 'syscall-exit', 'exited']],
      ['step', ['step', 'exited']],
    ] as const) {
      const tracer = newTracer({ resume: mode });
      const { go } = await held((s) => s.syscall('getpid').exitGroup(1), tracer);
      go(mode);
      const stops = await within(collect(tracer), `the end in mode ${mode}`);
      expect(new Set(stops.map((stop) => stop.kind))).toEqual(new Set(kinds));
      expect(stops.at(-1)).toMatchObject({ code: 1 });
    }
  });

  it('survives SIGKILL at any stop', async () => {
    for (let round = 0; round < 10; round++) {
      const tracer = newTracer({ resume: 'syscall', events: ['exit'] });
      const { go, started } = await held((s) => s.getppidLoop(), tracer);
      go('syscall');
      let count = 0;
      const stops = await within(
        collect(tracer, () => {
          if (++count === 20 + round) send(started.pid, SIG.SIGKILL);
        }),
        'the end',
      );
      expectEnd(stops.at(-1)!);
      expect(stops.at(-1)).toMatchObject({ kind: 'killed', signal: SIG.SIGKILL });
      await expectGone(started.pid);
    }
  });

  it('of two loops each stop comes to one', async () => {
    const tracer = newTracer({ resume: 'syscall' });
    const part = await held((s) => s.getppidLoop(200).exitGroup(0), tracer);
    part.go('syscall');
    const [a, b] = await within(Promise.all([collect(tracer), collect(tracer)]), 'the ends');
    const calls = [...a, ...b].filter((stop) => stop.kind === 'syscall-entry' && stop.name === 'getppid');
    expect(calls).toHaveLength(200);
    expect(new Set(calls).size).toBe(200);
  });
});

const folder = mkdtempSync(join(tmpdir(), 'linux-ptrace-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string;
}

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null', LC_ALL: 'C' };

/** What the program says without a tracer. */
function untraced({ file, args, cwd }: Program): string {
  return execFileSync(which(file), args, { encoding: 'utf8', cwd, env, stdio: ['ignore', 'pipe', 'ignore'] });
}

/** What it says under a loop that handles nothing. */
async function traced(program: Program, options: TracerOptions): Promise<Outcome & { stops: number }> {
  const tracer = newTracer(options);
  const spawning: SpawnOptions = {
    stdio: ['null', 'pipe', 'pipe'],
    env,
    ...(program.cwd === undefined ? {} : { cwd: program.cwd }),
  };
  const tracee = await tracer.spawn(which(program.file), program.args, spawning);
  const output = Promise.all([text(tracee.stdout!), text(tracee.stderr!)]);
  let stops = 0;
  for await (const stop of tracer) {
    expect(stop.tracee).toBeDefined();
    stops++;
  }
  const [out, err] = await within(output, 'the end of the output');
  return { code: expectKind(await tracee.end(), 'exited').code, out, err, stops };
}

const script = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const programs: Record<string, Program> = {
  'a pipeline of bash': {
    file: 'bash',
    args: [
      '-c',
      'for i in 1 2 3; do (echo $i | cat | sed s/2/two/ ); done; seq 1 200 | sort -r | tail -2; kill -USR1 $BASHPID 2>/dev/null | :; trap "echo got" USR2; kill -USR2 $$; wait',
    ],
  },
  'python3 with threads': {
    file: 'python3',
    args: [
      '-c',
      [
        'import threading, subprocess, signal, time',
        'got = []',
        'def work(n): got.append(sum(range(n)))',
        'ts = [threading.Thread(target=work, args=(n,)) for n in range(1, 9)]',
        '[t.start() for t in ts]; [t.join() for t in ts]',
        'print(sorted(got))',
        'print(subprocess.run(["echo", "hello"], capture_output=True).stdout)',
        'rung = []',
        'signal.signal(signal.SIGALRM, lambda *a: rung.append(1))',
        'signal.setitimer(signal.ITIMER_REAL, 0.001)',
        'while not rung: time.sleep(0.001)',
        'print("alarm")',
      ].join('\n'),
    ],
  },
  git: {
    file: 'bash',
    args: [
      '-c',
      'git init -q "$0" && cd "$0" && echo one > a && git add a && git -c user.name=t -c user.email=t@example.org commit -q -m first --date=2001-01-01T00:00:00Z && git log --format=%s && git status --porcelain && git grep one HEAD -- a | cut -d: -f2-',
    ],
  },
  'gcc and what it made': {
    file: 'bash',
    args: [
      '-c',
      'cd "$0" && printf "#include <stdio.h>\\nint main(void){puts(\\"built\\");return 0;}\\n" > m.c && gcc -O1 -pipe -o m m.c && ./m',
    ],
  },
  'node itself': {
    file: 'node',
    args: [
      script(
        'program.js',
        'const { Worker, isMainThread } = require("node:worker_threads");' +
          'if (isMainThread) { const w = new Worker(__filename); w.on("exit", (c) => { console.log("worker", c);' +
          'const { execFileSync } = require("node:child_process"); console.log(String(execFileSync("echo", ["child"])).trim()); }); }' +
          'else console.log("in the worker", [1, 2, 3].map((n) => n * n).join());',
      ),
    ],
  },
};
const needed: Record<string, string[]> = {
  git: ['git'],
  'gcc and what it made': ['gcc'],
  'python3 with threads': ['python3'],
};
let folders = 0;

describe('a real program under a loop that handles nothing says and gives what it does without', () => {
  for (const [name, program] of Object.entries(programs)) {
    const missing = [program.file, ...(needed[name] ?? [])].filter((file) => !has(file));
    const title = missing.length > 0 ? `${name} (skipped: no ${missing.join(', ')} here)` : name;
    it.skipIf(missing.length > 0)(title, { timeout: limit(90_000) }, async () => {
      const at = (): Program =>
        program.args.includes('-c') && program.file === 'bash'
          ? { ...program, args: [...program.args, mkdtempSync(join(folder, `run${folders++}-`))] }
          : program;
      const expected = untraced(at());
      expect(expected).not.toBe('');
      for (const resume of ['cont', 'syscall'] as const) {
        const events: TracerOptions['events'] = ['fork', 'vfork', 'vfork-done', 'clone', 'exec', 'exit'];
        const { code, out, err, stops } = await within(
          traced(at(), { resume, events }),
          `${name} in mode ${resume}`,
          60_000,
        );
        expect(out).toBe(expected);
        expect(code, err).toBe(0);
        expect(stops).toBeGreaterThan(resume === 'syscall' ? 100 : 1);
      }
    });
  }

  // Static, and so without the 100,000 instructions of a dynamic linker.
  const file = existsSync('/sbin/ldconfig') ? '/sbin/ldconfig' : which('echo');
  it(`${file} --version, instruction by instruction`, { timeout: limit(90_000) }, async () => {
    const expected = untraced({ file, args: ['--version'] });
    const { code, out, stops } = await within(
      traced({ file, args: ['--version'] }, { resume: 'step' }),
      'its end',
      60_000,
    );
    expect(out).toBe(expected);
    expect(code).toBe(0);
    expect(stops).toBeGreaterThan(5000);
  });
});
