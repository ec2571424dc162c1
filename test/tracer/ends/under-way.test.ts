/**
 * Node ends while something is under way: an await that has not settled, a storm, a step whose trap is pending, new tracees nobody has seen.
 * What a Node that ends in states of rest does to its tracees is in ends.test.ts.
 */
import { expect, test } from 'vitest';
import { type ChildScript, script } from '../../../lib/raw/child.js';
import { limit } from '../../helpers/scale.js';
import { node, type NodeChild } from '../../helpers/node.js';
import {
  child,
  describeProcess,
  expectUntraced,
  gate,
  isOver,
  pauser,
  readWord,
  send,
  stateOf,
  statusOf,
  stormer,
  tasksOf,
  threaded,
  until,
} from '../../helpers/tracing.js';

/** Ways to end from inside, and what the parent of Node sees. `soft` ones let our code run. */
const WAYS = {
  'process.exit': { code: 'process.exit(3)', end: [3, null], soft: true },
  'an uncaught exception': {
    code: 'setImmediate(() => { throw new Error("on purpose"); })',
    end: [1, null],
    soft: true,
  },
  'an unhandled rejection': { code: 'Promise.reject(new Error("on purpose"))', end: [1, null], soft: true },
  SIGTERM: { code: 'process.kill(process.pid, "SIGTERM")', end: [null, 'SIGTERM'], soft: false },
  SIGKILL: { code: 'process.kill(process.pid, "SIGKILL")', end: [null, 'SIGKILL'], soft: false },
} as const;
type Way = keyof typeof WAYS;
const ways = Object.keys(WAYS) as Way[];
const softWays = ways.filter((way) => WAYS[way].soft);

/**
 * Runs Node to its end. The body prepares, then the way is taken; in a Worker, too, which is terminated then while the process lives on
 * until `over` has looked.
 */
async function ends(
  way: Way | 'worker.terminate',
  body: string,
  data: unknown,
  over: (tracing: NodeChild) => Promise<void>,
): Promise<void> {
  if (way === 'worker.terminate') {
    const tracing = node(
      `
      import { Worker } from 'node:worker_threads';
      const source = data.prelude + 'const data = ' + JSON.stringify(data.data) + ';' + data.body + '; post("ready"); await new Promise(() => setInterval(() => undefined, 1000));';
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)));
      worker.on('message', (message) => post(message));
      worker.on('error', (error) => post(String(error)));
      let asked;
      await new Promise((resolve) => worker.on('message', (message) => { if (message === 'ready') resolve(); }));
      const begin = performance.now();
      const code = await worker.terminate();
      post(['terminated', code, Math.round(performance.now() - begin)]);
      await new Promise((resolve) => process.stdin.once('end', resolve).resume());
    `,
      { data, body, prelude: PRELUDE },
    );
    const before: unknown[] = [];
    for (;;) {
      const line = await tracing.heard<unknown>('the Worker');
      if (Array.isArray(line) && line[0] === 'terminated') {
        expect(line[2]).toBeLessThan(limit(1500));
        break;
      }
      before.push(line);
    }
    expect(before).toContain('ready');
    await over(tracing);
    tracing.process.stdin.end();
    expect(await tracing.ended()).toEqual({ code: 0, signal: null, stderr: '' });
    return;
  }
  const tracing = node(`${body}; post('ready'); const began = performance.now(); ${WAYS[way].code}`, data);
  while ((await tracing.heard('ready')) !== 'ready');
  const began = performance.now();
  const { code, signal, stderr } = await tracing.ended();
  expect([code, signal], stderr).toEqual(WAYS[way].end);
  expect(performance.now() - began, 'the end is not held up').toBeLessThan(limit(1500));
  await over(tracing);
}

/** What node() gives a body, for a Worker of it. */
const PRELUDE = `
  import { parentPort } from 'node:worker_threads';
  import { Tracer, isEnd } from ${JSON.stringify(new URL('../../../dist/index.js', import.meta.url).href)};
  import { script, start, run } from ${JSON.stringify(new URL('../../../dist/raw/child.js', import.meta.url).href)};
  import { readFileSync } from 'node:fs';
  import { setTimeout as delay } from 'node:timers/promises';
  const post = (value) => parentPort.postMessage(value);
  const until = async (condition) => { while (!(await condition())) await delay(1); };
  const stateOf = (tid) => {
    try { return /^State:\\s+(.)/m.exec(readFileSync('/proc/' + tid + '/status', 'latin1'))[1]; } catch { return undefined; }
  };
`;

const soft = [...softWays, 'worker.terminate'] as const;
const all = [...ways, 'worker.terminate'] as const;

/** A counter of the child's still grows: it runs on. */
async function expectRunsOn(started: ReturnType<typeof child>): Promise<void> {
  const before = readWord(started, 'turns');
  await until(
    () => readWord(started, 'turns') > before,
    () => `it runs on: ${describeProcess(started.pid)}`,
  );
}

const counting = (): ChildScript => script().loop((s) => s.increment('turns').syscall('getppid'));
const napping = (): ChildScript => script().loop((s) => s.increment('turns').nanosleep(1));

test.each(all)('%s in the middle of a storm: the attached process runs on', async (way) => {
  const started = child(counting());
  const body = `
    const tracer = new Tracer();
    const [tracee] = await tracer.attach(data);
    for (let stops = 0; stops < 500; stops++) await tracee.resume('syscall');
    (async () => { for (;;) await tracee.resume('syscall'); })().catch(() => undefined);
    await delay(5)`;
  await ends(way, body, started.pid, async () => {
    await expectUntraced(started.pid, 'RS');
    await expectRunsOn(started);
  });
});

test.each(all)('%s while threads come and go by the hundred: none is left behind', async (way) => {
  const made = script();
  made.loop((s) =>
    s
      .increment('turns')
      .thread((t) => t.syscall('getppid'))
      .nanosleep(1),
  );
  const started = child(made);
  const body = `
    const tracer = new Tracer({ resume: 'syscall' });
    await tracer.attach(data);
    let stops = 0;
    (async () => { for await (const stop of tracer) stops++; })().catch(() => undefined);
    await until(() => stops > 200)`;
  await ends(way, body, started.pid, async () => {
    await until(
      () => tasksOf(started.pid).every((tid) => (statusOf(tid)?.tracerPid ?? 0) === 0 && stateOf(tid) !== 't'),
      () => tasksOf(started.pid).map(describeProcess).join('; '),
    );
    await expectRunsOn(started);
  });
});

test.each(all)('%s while a spawned shell forks without end: all of its family that is traced is gone', async (way) => {
  let shell = 0;
  const body = `
    const tracer = new Tracer();
    const program = await tracer.spawn('sh', ['-c', 'while :; do /bin/true; done'], { stdio: 'null', processGroup: 0 });
    post(program.pid);
    let stops = 0;
    (async () => { for await (const stop of tracer) stops++; })().catch(() => undefined);
    await until(() => stops > 100)`;
  await ends(way, body, null, async (tracing) => {
    shell = tracing.lines.find((line): line is number => typeof line === 'number') ?? 0;
    expect(shell).toBeGreaterThan(0);
    await until(
      () => isOver(shell),
      () => describeProcess(shell),
    );
  });
});

test.each(soft)('%s while a step is under way: its trap does not kill the process', async (way) => {
  for (let round = 0; round < 3; round++) {
    const started = child(counting());
    const body = `
      const tracer = new Tracer();
      const [tracee] = await tracer.attach(data);
      for (let steps = 0; steps < 50; steps++) await tracee.resume('step');
      ${round === 2 ? 'const at = Date.now(); tracee.resume("step"); while (Date.now() - at < 5);' : 'tracee.resume("step")'}
      ${round === 1 ? 'tracee.interrupt()' : ''}`;
    await ends(way, body, started.pid, async () => {
      await expectUntraced(started.pid, 'RS');
      await expectRunsOn(started);
      // They would share the CPUs with all tests that follow.
      send(started.pid, 9);
    });
  }
});

test.each(soft)('%s with signals pending and in a signal-delivery-stop: all of them are delivered', async (way) => {
  const started = child(
    script()
      .handle('SIGUSR1', (h) => h.increment('usr1'))
      .handle('SIGUSR2', (h) => h.increment('usr2'))
      .handle('SIGRTMIN', (h) => h.increment('rt'))
      .increment('ready')
      .loop((s) => s.increment('turns').nanosleep(1)),
  );
  await until(() => readWord(started, 'ready') === 1n, 'the handlers');
  const body = `
    const tracer = new Tracer();
    const [tracee] = await tracer.attach(data);
    tracee.resume();
    process.kill(data, 'SIGUSR1');
    const stop = await tracee.wait();
    post(stop.kind);
    process.kill(data, 'SIGUSR2');
    for (let count = 0; count < 3; count++) process.kill(data, 34)`;
  await ends(way, body, started.pid, async (tracing) => {
    expect(tracing.lines).toContain('signal-delivery');
    await expectUntraced(started.pid, 'RS');
    await until(
      () => readWord(started, 'usr1') === 1n && readWord(started, 'usr2') === 1n && readWord(started, 'rt') === 3n,
      () => `all signals: ${['usr1', 'usr2', 'rt'].map((name) => readWord(started, name)).join()}`,
    );
    await expectRunsOn(started);
  });
});

test.each(soft)('%s with a stop that nobody has seen: a signal in it is delivered', async (way) => {
  const started = child(
    script()
      .handle('SIGUSR1', (h) => h.increment('usr1'))
      .increment('ready')
      .loop((s) => s.increment('turns').nanosleep(1)),
  );
  await until(() => readWord(started, 'ready') === 1n, 'the handler');
  // The event loop stands still from the signal to the end.
  const body = `
    const tracer = new Tracer();
    await tracer.seize(data);
    process.kill(data, 'SIGUSR1');
    for (let at = Date.now(); stateOf(data) !== 't' && Date.now() - at < 5000;)`;
  await ends(way, body, started.pid, async () => {
    await expectUntraced(started.pid, 'RS');
    await until(() => readWord(started, 'usr1') === 1n, 'the signal');
    await expectRunsOn(started);
  });
});

test.each(all)('%s while attach, spawn and detach are awaited', async (way) => {
  const started = child(threaded(8, (t) => t.loop((l) => l.increment('turns').nanosleep(1))));
  await until(() => readWord(started, 'threads') === 8n, 'all threads');
  const body = `
    const tracer = new Tracer();
    const other = run(script().loop((s) => s.pause()));
    const [tracee] = await tracer.seize(other);
    const nothing = () => undefined;
    tracee.detach().catch(nothing);
    tracer.attach(data).catch(nothing);
    tracer.spawn('sleep', ['1000'], { stdio: 'null', processGroup: 0 }).then((program) => post(program.pid), nothing);
    post(other)`;
  await ends(way, body, started.pid, async () => {
    await until(
      () => tasksOf(started.pid).every((tid) => statusOf(tid)?.tracerPid === 0 && 'SR'.includes(stateOf(tid) ?? '?')),
      () => tasksOf(started.pid).map(describeProcess).join('; '),
    );
    await expectRunsOn(started);
  });
});

test.each(all)('%s with a leader that has left its threads: nobody waits for it', async (way) => {
  const started = child(
    threaded(
      2,
      (t) => t.loop((l) => l.increment('turns').nanosleep(1)),
      (s) => gate(s).exit(0),
    ),
  );
  await until(() => readWord(started, 'threads') === 2n, 'all threads');
  const body = `
    const tracer = new Tracer();
    const tracees = await tracer.attach(data.pid);
    for (const tracee of tracees) tracee.resume();
    tracees[1].memory.write(BigInt(data.gate), new Uint8Array([1]));
    await until(() => stateOf(data.pid) === 'Z')`;
  await ends(way, body, { pid: started.pid, gate: String(started.address('gate')) }, async () => {
    await until(
      () => tasksOf(started.pid).every((tid) => tid === started.pid || statusOf(tid)?.tracerPid === 0),
      () => tasksOf(started.pid).map(describeProcess).join('; '),
    );
  });
  send(started.pid, 9);
});

test.each(all)(
  '%s with stopped and running, listening and interrupted tracees at once, some of each policy',
  async (way) => {
    const made = [napping, napping, napping, pauser, stormer].map((part) => child(part()));
    const pids = made.map(({ pid }) => pid);
    const body = `
    const tracer = new Tracer();
    const [running, stopped, listening, killed, storming] = data;
    const one = async (pid, options) => (await tracer.attach(pid, options))[0];
    (await one(running)).resume();
    await one(stopped);
    const third = await one(listening);
    third.resume();
    process.kill(listening, 'SIGSTOP');
    (await third.wait()).resume();
    (await third.wait()).listen();
    await one(killed, { onTracerExit: 'kill' });
    const fifth = await one(storming);
    for (let stops = 0; stops < 50; stops++) await fifth.resume('syscall')`;
    await ends(way, body, pids, async () => {
      const [running = 0, stopped = 0, listening = 0, killed = 0, storming = 0] = pids;
      await expectUntraced(running, 'SR');
      await expectUntraced(stopped, 'SR');
      await expectUntraced(listening, 'T');
      await until(() => isOver(killed), 'the one that was to be killed');
      await expectUntraced(storming, 'SR');
    });
  },
);

test("an 'exit' listener may still close the tracer, or use it, or end the process itself", async () => {
  for (const code of [
    'process.on("exit", () => { void tracer.close(); })',
    'process.on("exit", () => { tracee.interrupt(); })',
    'process.on("exit", () => { process.exitCode = 3; tracer.tracees.forEach((each) => each.state); })',
  ]) {
    const started = child(napping());
    await ends(
      'process.exit',
      `const tracer = new Tracer(); const [tracee] = await tracer.attach(data); tracee.resume(); ${code}`,
      started.pid,
      async () => {
        await expectUntraced(started.pid, 'SR');
        await expectRunsOn(started);
      },
    );
  }
});

test('SIGINT and SIGTERM with a listener that closes the tracer end in order', async () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const started = child(napping());
    const tracing = node(
      `
      const tracer = new Tracer();
      const [tracee] = await tracer.attach(data.pid);
      tracee.resume();
      const program = await tracer.spawn('sleep', ['1000'], { stdio: 'null' });
      process.on(data.signal, async () => { await tracer.close(); post('closed'); });
      post(program.pid);
      await tracee.wait().catch((error) => post(error.reason));
    `,
      { pid: started.pid, signal },
    );
    const program = await tracing.heard<number>('the program');
    send(tracing.pid, signal === 'SIGINT' ? 2 : 15);
    expect(await tracing.heard('the wait')).toBe('disposed');
    expect(await tracing.heard('the close')).toBe('closed');
    tracing.process.kill('SIGKILL');
    await expectUntraced(started.pid, 'SR');
    await until(() => isOver(program), 'the program');
  }
});

test('many Workers that trace are terminated at once, and Node lives on', async () => {
  const started = Array.from({ length: 4 }, () => child(counting()));
  const tracing = node(
    `
    import { Worker } from 'node:worker_threads';
    for (let round = 0; round < 3; round++) {
      const workers = [];
      const ready = [];
      for (const pid of data.pids) {
        const source = data.prelude + \`
          const tracer = new Tracer();
          const [tracee] = await tracer.attach(\${pid});
          post('storming');
          for (;;) await tracee.resume('syscall');\`;
        const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)));
        worker.on('error', (error) => post(String(error)));
        ready.push(new Promise((resolve) => worker.once('message', resolve)));
        workers.push(worker);
      }
      await Promise.all(ready);
      await Promise.all(workers.map((worker) => worker.terminate()));
      post(data.pids.map((pid) => readFileSync('/proc/' + pid + '/status', 'latin1').includes('TracerPid:\\t0\\n')));
    }
    const tracer = new Tracer();
    const [tracee] = await tracer.attach(data.pids[0]);
    post(tracee.stop.kind);
    await tracer.close();
  `,
    { pids: started.map(({ pid }) => pid), prelude: PRELUDE },
  );
  for (let round = 0; round < 3; round++) expect(await tracing.heard('a round')).toEqual([true, true, true, true]);
  expect(await tracing.heard('the main thread')).toBe('event-stop');
  expect(await tracing.ended()).toEqual({ code: 0, signal: null, stderr: '' });
  for (const each of started) {
    await expectUntraced(each.pid, 'SR');
    await expectRunsOn(each);
  }
});
