/**
 * Two copies of the package in one thread would consume each other's stops: the second is refused.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requireBuild, root } from '../../helpers/dist.js';
import { node, nodeLimit } from '../../helpers/node.js';

let copy: string;

beforeAll(() => {
  requireBuild();
  copy = mkdtempSync(join(tmpdir(), 'linux-ptrace-copy-'));
  cpSync(`${root}dist`, join(copy, 'dist'), { recursive: true });
  cpSync(`${root}package.json`, join(copy, 'package.json'));
  mkdirSync(join(copy, 'build/Release'), { recursive: true });
  for (const file of readdirSync(`${root}build/Release`).filter((name) => name.endsWith('.node'))) {
    cpSync(`${root}build/Release/${file}`, join(copy, 'build/Release', file));
  }
  symlinkSync(`${root}node_modules`, join(copy, 'node_modules'));
});

afterAll(() => {
  rmSync(copy, { recursive: true });
});

test(
  'the second copy is refused at its first use, with both paths; the first works on',
  async () => {
    const tracing = node(
      `
    const tracer = new Tracer();
    const other = await import(data + '/dist/index.js');
    const otherRaw = await import(data + '/dist/raw/index.js');
    for (const use of [() => new other.Tracer(), () => otherRaw.seize(process.pid), () => new other.Tracer()]) {
      try { use(); post('it worked'); } catch (error) {
        post({ reason: error.reason, message: error.message, ours: isPtraceError(error) });
      }
    }
    const program = await tracer.spawn('true', [], { stdio: 'null' });
    let last;
    for await (const stop of tracer) last = stop.kind;
    post(last);
  `,
      copy,
    );
    for (let use = 0; use < 3; use++) {
      const error = await tracing.heard<{ reason: string; message: string; ours: boolean }>('a refusal');
      expect(error.reason).toBe('second-copy');
      expect(error.message).toContain(copy);
      expect(error.message).toContain(root);
      expect(error.ours).toBe(true);
    }
    expect(await tracing.heard('the end of a program')).toBe('exited');
    expect(await tracing.ended()).toEqual({ code: 0, signal: null, stderr: '' });
  },
  nodeLimit,
);

test(
  'another thread may use another copy: a storm in one, one that sleeps in the other',
  async () => {
    const tracing = node(
      `
    import { Worker } from 'node:worker_threads';
    const pid = run(script().loop((s) => s.pause()));
    const source = 'import { Tracer } from "' + data + '/dist/index.js";' + \`
      import { parentPort, workerData } from 'node:worker_threads';
      const tracer = new Tracer();
      const [tracee] = await tracer.seize(workerData, { allowNodeChild: true });
      parentPort.postMessage('asleep');
      for (;;) {
        const stop = await tracee.wait();
        parentPort.postMessage(stop.kind === 'killed' ? 'killed' : stop.signalName);
        if (stop.kind === 'killed') break;
        stop.suppress();
      }
    \`;
    const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)), { workerData: pid });
    const messages = [];
    worker.on('message', (message) => messages.push(message));
    await until(() => messages.length === 1);
    const tracer = new Tracer();
    const [storming] = await tracer.attach(run(script().getppidLoop()));
    let going = true;
    const storm = (async () => { while (going) await storming.resume('syscall'); })();
    for (let round = 1; round <= 20; round++) {
      process.kill(pid, 'SIGUSR1');
      await until(() => messages.length === 1 + round);
    }
    process.kill(pid, 'SIGKILL');
    await until(() => messages.length === 22);
    going = false;
    await storm;
    post(messages);
    process.kill(storming.tid, 'SIGKILL');
    await tracer.close();
  `,
      pathToFileURL(copy).href,
    );
    expect(await tracing.heard('both')).toEqual(['asleep', ...Array.from({ length: 20 }, () => 'SIGUSR1'), 'killed']);
    expect(await tracing.ended()).toEqual({ code: 0, signal: null, stderr: '' });
  },
  nodeLimit,
);
