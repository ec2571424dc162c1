import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { SIG } from '../../lib/kernel/signals.js';
import { type Pty, type SpawnedTracee, type Stop, type Tracer } from '../../lib/tracer/index.js';
import { limit } from '../helpers/scale.js';
import { expectReason, has, newTracer, stateOf, until, within } from '../helpers/tracing.js';
import { collect } from './programs.js';

const folder = mkdtempSync(join(tmpdir(), 'linux-ptrace-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function isCloseOnExec(fd: string): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
    return (Number.parseInt(flags ?? '0', 8) & 0o2000000) !== 0;
  } catch {
    return true; // that of the listing of our own descriptors
  }
}

async function run(tracer: Tracer): Promise<Stop[]> {
  return within(collect(tracer), 'the end');
}

describe('pipes', () => {
  it('carry what is written and said, to the end', async () => {
    const tracer = newTracer();
    const tracee = await tracer.spawn('/bin/sh', ['-c', 'tr a-z A-Z; echo done >&2'], { stdio: 'pipe' });
    const [out, err] = [text(tracee.stdout!), text(tracee.stderr!)];
    tracee.stdin!.write('hello ');
    tracee.stdin!.end('world');
    expect((await run(tracer)).at(-1)).toMatchObject({ kind: 'exited', code: 0 });
    expect(await within(out, 'stdout')).toBe('HELLO WORLD');
    expect(await within(err, 'stderr')).toBe('done\n');
  });

  it('carry more than a pipe holds', { timeout: limit(30_000) }, async () => {
    const tracer = newTracer();
    const tracee = await tracer.spawn('/bin/cat', [], { stdio: ['pipe', 'pipe', 'inherit'] });
    const data = 'x'.repeat(1 << 21);
    const out = text(tracee.stdout!);
    tracee.stdin!.end(data);
    await run(tracer);
    const got = await within(out, 'stdout');
    expect(got.length).toBe(data.length);
    expect(tracee.stderr).toBeNull();
  });

  it('are gone for a program that was killed', async () => {
    const tracer = newTracer();
    const tracee = await tracer.spawn('/bin/sh', ['-c', 'echo begin; exec sleep 1000'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const out = text(tracee.stdout!);
    const loop = run(tracer);
    await until(() => readFileSync(`/proc/${tracee.pid}/comm`, 'latin1') === 'sleep\n', 'it sleeps');
    tracee.kill();
    await loop;
    expect(await within(out, 'the end of stdout')).toBe('begin\n');
    // Writing to nobody is an error of the stream, not of the process.
    const failed = new Promise((resolve) => tracee.stdin!.once('error', resolve));
    tracee.stdin!.write('x');
    expect(await within(failed, 'the error')).toMatchObject({ code: 'EPIPE' });
  });
});

describe('a choice for each stream', () => {
  it('null, inherit and pipe stand side by side; further ones become descriptors 3, 4', async () => {
    const tracer = newTracer();
    const path = join(folder, 'out');
    const file = openSync(path, 'w');
    const tracee = await tracer.spawn(
      '/bin/sh',
      ['-c', 'read x; echo "read:$x" >&3; echo four >&4; ls -l /proc/$$/fd'],
      {
        stdio: ['null', 'pipe', 'inherit', file, 'pipe'],
      },
    );
    closeSync(file);
    const out = text(tracee.stdout!);
    await run(tracer);
    expect(readFileSync(path, 'utf8')).toBe('read:\n');
    const listed = await within(out, 'stdout');
    expect(listed).toMatch(/ 0 -> \/dev\/null/);
    expect(listed).toMatch(/ 1 -> pipe:/);
    expect(listed).toMatch(/ 3 -> .*\/out/);
    expect(listed).toMatch(/ 4 -> pipe:/);
    expect([tracee.stdin, tracee.stderr, tracee.pty]).toEqual([null, null, null]);
  });

  it('a descriptor of this process can be given, and stays ours', async () => {
    const tracer = newTracer();
    const path = join(folder, 'both');
    const file = openSync(path, 'w');
    await tracer.spawn('/bin/sh', ['-c', 'echo one; echo two >&2'], { stdio: ['null', file, file] });
    await run(tracer);
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n');
    closeSync(file);
  });

  it('nothing else of ours is inherited', async () => {
    const tracer = newTracer();
    const tracee = await tracer.spawn('/bin/ls', ['/proc/self/fd'], { stdio: ['null', 'pipe', 'null'] });
    const out = text(tracee.stdout!);
    await run(tracer);
    // Descriptors that were not close-on-exec before us are none of ours. The lowest free one is the listing's own.
    const foreign = readdirSync('/proc/self/fd').filter((fd) => Number(fd) > 2 && !isCloseOnExec(fd));
    const listed = (await out).trim().split('\n');
    expect(listed).toHaveLength(4 + foreign.length);
    expect(listed).toEqual(expect.arrayContaining(['0', '1', '2', ...foreign]));
  });

  it('that is none is refused before anything is opened', async () => {
    const tracer = newTracer();
    const before = readdirSync('/proc/self/fd').length;
    for (const stdio of ['pip', 5, -1, {}, ['pipe', 'pty'], ['pipe', -1], ['pipe', 1.5], [Symbol('s')], Symbol('s')]) {
      await expectReason(tracer.spawn('/bin/true', [], { stdio: stdio as never }), 'bad-input');
    }
    expect(readdirSync('/proc/self/fd').length).toBe(before);
    const error = await expectReason(tracer.spawn('/bin/true', [], { stdio: ['null', 54321, 'null'] }), 'exec-failed');
    expect(error.code).toBe('EBADF');
  });
});

/** A terminal's text as it comes in, to be waited for. */
class Screen {
  text = '';
  #from = 0;
  constructor(stream: Readable) {
    stream.on('data', (chunk: Buffer) => (this.text += chunk.toString()));
  }
  /** Waits for what has not been waited for yet. */
  async expect(what: RegExp | string): Promise<void> {
    await until(
      () => {
        const rest = this.text.slice(this.#from);
        const found = typeof what === 'string' ? rest.indexOf(what) : rest.search(what);
        if (found < 0) return false;
        this.#from += found + (typeof what === 'string' ? what.length : (rest.match(what)?.[0].length ?? 0));
        return true;
      },
      () => `${String(what)} on the terminal, which shows ${JSON.stringify(this.text)}`,
    );
  }
}

async function terminal(
  tracer: Tracer,
  file: string,
  args: readonly string[],
): Promise<{ tracee: SpawnedTracee; pty: Pty; screen: Screen; type: (keys: string) => void }> {
  const tracee = await tracer.spawn(file, args, {
    stdio: 'pty',
    env: { ...process.env, PS1: '$ ', TERM: 'dumb', HISTFILE: '' },
  });
  const { pty } = tracee;
  if (pty === null) throw new Error('no terminal');
  return { tracee, pty, screen: new Screen(pty.stream), type: (keys) => pty.stream.write(keys) };
}

describe('a pseudo-terminal', () => {
  it('is the controlling terminal of its program, and ends with it', async () => {
    const tracer = newTracer();
    const { tracee, pty, screen, type } = await terminal(tracer, '/bin/sh', [
      '-c',
      // What is still on its way when the leader of the session ends may be lost in the hang-up: the kernel's affair.
      'test -t 0 -a -t 1 -a -t 2 && tty && ps -o tty= -p $$; stty size; read line; exit 3',
    ]);
    const ended = new Promise<void>((resolve) => pty.stream.once('end', resolve));
    expect(tracee.stdout).toBe(pty.stream);
    expect(tracee.stdin).toBe(pty.stream);
    expect(tracee.stderr).toBeNull();
    const loop = run(tracer);
    await screen.expect('24 80');
    type('\r');
    expect((await loop).at(-1)).toMatchObject({ kind: 'exited', code: 3 });
    await within(ended, 'the end of the terminal');
    expect(screen.text).toContain('/dev/pts/');
  });

  it('carries what is typed, and its own size', async () => {
    const tracer = newTracer();
    const { pty, screen, type } = await terminal(tracer, '/bin/sh', [
      '-c',
      'trap "stty size" WINCH; echo ready; read line; echo "got $line"; while read line; do :; done; echo over',
    ]);
    const loop = run(tracer);
    await screen.expect('ready');
    type('typed text\r');
    await screen.expect('got typed text');
    pty.resize(33, 101);
    await until(
      () => {
        if (screen.text.includes('33 101')) return true;
        type('\r');
        return false;
      },
      () => `33 101 in ${JSON.stringify(screen.text)}`,
    );
    for (const size of [-1, 65536, 1.5, '10', null]) {
      await expectReason(() => pty.resize(size as never, 10), 'bad-input');
      await expectReason(() => pty.resize(10, size as never), 'bad-input');
    }
    type('\x04');
    await screen.expect('over');
    await loop;
  });

  it('^C and ^Z in bash, traced, do what they do untraced', { timeout: limit(30_000) }, async (context) => {
    if (!has('bash')) context.skip('no bash here');
    const tracer = newTracer();
    const { tracee, screen, type } = await terminal(tracer, 'bash', ['--norc', '--noprofile', '-i']);
    const seen: string[] = [];
    const loop = collect(tracer, (stop) => {
      if ('signalName' in stop)
        seen.push(`${stop.tid === tracee.pid ? 'bash' : 'job'} ${stop.kind} ${stop.signalName}`);
    });
    await screen.expect('$ ');
    type('sleep 1000\r');
    const job = await until(
      () => tracer.tracees.find((each) => each !== tracee && each.state === 'running'),
      'the job',
    );
    await until(() => readFileSync(`/proc/${job.pid}/comm`, 'latin1') === 'sleep\n', 'it sleeps');
    type('\x03');
    await screen.expect('^C');
    expect(await within(job.end(), 'its end')).toMatchObject({ kind: 'killed', signal: SIG.SIGINT });
    await screen.expect('$ ');

    type('sleep 1000\r');
    const second = await until(
      () => tracer.tracees.find((each) => each !== tracee && each.state === 'running'),
      'the second job',
    );
    await until(() => readFileSync(`/proc/${second.pid}/comm`, 'latin1') === 'sleep\n', 'it sleeps');
    type('\x1a');
    await screen.expect('Stopped');
    await until(() => second.state === 'listening', 'it listens');
    expect(stateOf(second.pid)).toBe('t');
    await screen.expect('$ ');
    type('jobs\r');
    await screen.expect(/\[1\]\+\s+Stopped\s+sleep 1000/);
    type('bg\r');
    await screen.expect('sleep 1000 &');
    await until(() => second.state === 'running' && stateOf(second.pid) === 'S', 'it runs on');
    type('fg\r');
    await screen.expect('sleep 1000');
    type('\x03');
    expect(await within(second.end(), 'its end')).toMatchObject({ kind: 'killed', signal: SIG.SIGINT });
    await screen.expect('$ ');
    type('exit 4\r');
    expect((await within(loop, 'the end')).at(-1)).toMatchObject({ kind: 'exited', code: 4, tid: tracee.pid });
    expect(seen).toContain('job signal-delivery SIGINT');
    expect(seen).toContain('job signal-delivery SIGTSTP');
    expect(seen).toContain('job group-stop SIGTSTP');
  });

  it('hung up by us ends its program with SIGHUP', async () => {
    const tracer = newTracer();
    const { tracee, pty } = await terminal(tracer, '/bin/sleep', ['1000']);
    const loop = run(tracer);
    await until(() => stateOf(tracee.pid) === 'S', 'it sleeps');
    pty.stream.destroy();
    expect((await loop).at(-1)).toMatchObject({ kind: 'killed', signal: SIG.SIGHUP });
  });

  it('of fifty programs leave no descriptor', { timeout: limit(30_000) }, async () => {
    const descriptors = (): number => readdirSync('/proc/self/fd').length;
    const once = async (): Promise<void> => {
      const tracer = newTracer();
      const { pty } = await terminal(tracer, '/bin/echo', ['x']);
      const closed = new Promise<void>((resolve) => pty.stream.once('close', resolve));
      await run(tracer);
      await within(closed, 'the close');
    };
    await once();
    const before = descriptors();
    for (let round = 0; round < 50; round++) await once();
    expect(descriptors()).toBeLessThanOrEqual(before);
  });
});
