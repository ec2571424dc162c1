/**
 * What the wait does to the event loop: it never starves it, and at rest it is not there.
 */
import { readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { isEnd } from '../../../lib/tracer/index.js';
import { node, nodeLimit } from '../../helpers/node.js';
import { limit } from '../../helpers/scale.js';
import { attachOne, child, describeStop, newTracer, send, stateOf, stormer } from '../../helpers/tracing.js';

/** One tracee storms by `await tracee.resume`, or four by `for await`. */
const STORMS = ['resume', 'iterate', 'wait'] as const;

for (const how of STORMS) {
  test(`timers and I/O get their turn in a storm by ${how}`, async () => {
    const tracer = newTracer({ resume: 'syscall' });
    const tracees = [];
    for (let index = 0; index < (how === 'resume' ? 1 : 4); index++) {
      tracees.push(await attachOne(tracer, child(stormer()).pid));
    }
    let ticks = 0;
    // By the process's own time: what a busy machine takes away is nobody's turn.
    const spent = (): number => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    };
    let longest = 0;
    let last = spent();
    const timer = setInterval(() => {
      ticks++;
      const now = spent();
      longest = Math.max(longest, now - last);
      last = now;
    }, 1);
    // Both kinds of I/O: the thread pool's and the poll phase's.
    const server = createServer((socket) => socket.pipe(socket));
    server.listen(0, '127.0.0.1');
    let files = 0;
    let echoes = 0;
    let going = true;
    const reading = (async () => {
      while (going) {
        await readFile('/proc/self/stat');
        files++;
      }
    })();
    const talking = (async () => {
      await once(server, 'listening');
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('no port');
      const socket = connect(address.port, '127.0.0.1');
      while (going) {
        socket.write('x');
        await once(socket, 'data');
        echoes++;
      }
      socket.destroy();
    })();

    let stops = 0;
    const enough = (): boolean => ++stops >= 2000 && ticks >= 10 && files >= 10 && echoes >= 10;
    const begin = performance.now();
    const late = (): boolean => performance.now() - begin > limit(10_000);
    if (how === 'resume') {
      while (!enough() && !late()) {
        const stop = await tracees[0]?.resume('syscall');
        if (stop === undefined || isEnd(stop)) throw new Error('the storm ended');
      }
    } else if (how === 'iterate') {
      for await (const stop of tracer) {
        if (isEnd(stop)) throw new Error(describeStop(stop));
        if (enough() || late()) break;
      }
    } else {
      for (const tracee of tracees) tracee.resume('syscall');
      while (!enough() && !late()) {
        const stop = await tracer.wait();
        if (isEnd(stop)) throw new Error(describeStop(stop));
        stop.resume('syscall');
      }
    }
    const seen = { stops, ticks, files, echoes, late: late() };
    going = false;
    clearInterval(timer);
    await Promise.all([reading, talking]);
    server.close();
    expect(seen.late, JSON.stringify(seen)).toBe(false);
    // A slice is 2 ms; a collection of garbage may come between.
    expect(longest).toBeLessThan(limit(500));
  });
}

test('setImmediate, process.nextTick and promises get their turn as well', async () => {
  const tracer = newTracer();
  const tracee = await attachOne(tracer, child(stormer()).pid);
  let immediates = 0;
  let going = true;
  const immediate = (): void => {
    immediates++;
    if (going) setImmediate(immediate);
  };
  setImmediate(immediate);
  let nextTicks = 0;
  const tick = setInterval(() => {
    process.nextTick(() => nextTicks++);
  }, 1);
  const begin = performance.now();
  while ((immediates < 20 || nextTicks < 20) && performance.now() - begin < limit(10_000)) {
    await tracee.resume('syscall');
  }
  going = false;
  clearInterval(tick);
  expect(Math.min(immediates, nextTicks)).toBeGreaterThanOrEqual(20);
});

/**
 * What the process uses at rest: its CPU time as a share of a while, the least of several whiles. The engine compiles and collects garbage in
 * some of them; whoever polls does so in all.
 */
const CPU_SHARE = `
  const cpuShare = async () => {
    let least = Infinity;
    for (let round = 0; round < 10 && least > 0.02; round++) {
      const before = process.cpuUsage();
      const begin = performance.now();
      await delay(300);
      const { user, system } = process.cpuUsage(before);
      least = Math.min(least, (user + system) / 1000 / (performance.now() - begin));
    }
    return least;
  };
  const threads = () => Number(/Threads:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))[1]);
  const resources = () => process.getActiveResourcesInfo().sort();
  const turns = async (count) => { for (; count > 0; count--) await new Promise((resolve) => setImmediate(resolve)); };
`;

interface Rest {
  readonly cpu: number;
  readonly threads: number;
  readonly resources: readonly string[];
}

test(
  'a thousand traced threads that do not stop cost no CPU, thread or timer',
  async () => {
    const tracing = node(`
    ${CPU_SHARE}
    const made = script();
    made.loop((s) => s.thread((t) => t.increment('threads').loop((l) => l.pause())), 999).loop((s) => s.pause());
    const { pid } = start(made);
    const rest = async () => { await turns(50); return { resources: resources(), threads: threads(), cpu: await cpuShare() }; };
    await until(() => readFileSync('/proc/' + pid + '/status', 'latin1').includes('Threads:\\t1000\\n'));
    post(await rest());
    const tracer = new Tracer({ events: [] });
    post((await tracer.seize(pid)).length);
    post(await rest());
    const waiting = tracer.wait();
    post(await rest());
    process.kill(pid, 'SIGKILL');
    let ends = isEnd(await waiting) ? 1 : 0;
    for await (const stop of tracer) if (stop.kind === 'killed') ends++;
    post(ends);
    post(await rest());
    await tracer.close();
  `);
    const before = await tracing.heard<Rest>('what there is before');
    expect(await tracing.heard('the number of tracees')).toBe(1000);
    const traced = await tracing.heard<Rest>('what there is while nobody waits');
    const asleep = await tracing.heard<Rest>('what there is while somebody waits');
    expect(await tracing.heard('the number of ends')).toBe(1000);
    const after = await tracing.heard<Rest>('what there is after');
    for (const rest of [traced, asleep, after]) {
      expect(rest.cpu).toBeLessThan(before.cpu + 0.05);
      expect(rest.threads).toBe(before.threads);
      expect(rest.resources).toEqual(before.resources);
    }
    expect(await tracing.ended()).toEqual({ code: 0, signal: null, stderr: '' });
  },
  nodeLimit,
);

test(
  'a tracee that runs all the time and does not stop costs the tracer nothing',
  async () => {
    const tracing = node(`
    ${CPU_SHARE}
    const { pid } = start(script().spin());
    await turns(50);
    const before = resources();
    const tracer = new Tracer();
    const [tracee] = await tracer.seize(pid);
    const waiting = tracee.wait();
    await turns(50);
    post({ cpu: await cpuShare(), resources: resources(), before });
    process.kill(pid, 'SIGKILL');
    post((await waiting).kind);
  `);
    const rest = await tracing.heard<Rest & { before: string[] }>('what there is while it spins');
    expect(rest.cpu).toBeLessThan(0.1);
    expect(rest.resources).toEqual(rest.before);
    expect(await tracing.heard('its end')).toBe('killed');
    expect((await tracing.ended()).code).toBe(0);
  },
  nodeLimit,
);

test(
  'an unreferenced tracer lets Node end; a referenced one keeps it until nothing is awaited',
  async () => {
    const unreferenced = node(`
    const { pid } = start(script().loop((s) => s.pause()));
    const tracer = new Tracer().unref();
    const [tracee] = await tracer.seize(pid);
    tracee.wait().then(() => post('a stop'), () => undefined);
    tracer.wait().then(() => post('a stop'), () => undefined);
    tracee.end().then(() => post('the end'), () => undefined);
    process.on('exit', (code) => post(code));
  `);
    expect(await unreferenced.heard('the end of Node')).toBe(0);
    expect(await unreferenced.ended()).toEqual({ code: 0, signal: null, stderr: '' });

    // unref() while waits are under way, and ref() again.
    const turned = node(`
    const { pid } = start(script().loop((s) => s.pause()));
    const tracer = new Tracer();
    const [tracee] = await tracer.seize(pid);
    const told = [tracee.wait().then((stop) => { post(stop.kind); stop.suppress(); })];
    tracer.unref();
    await new Promise((resolve) => setTimeout(resolve, 50));
    tracer.ref();
    setTimeout(() => process.kill(pid, 'SIGUSR1'), 50).unref();
    await told[0];
    tracer.unref();
    tracee.wait().catch(() => undefined);
  `);
    expect(await turned.heard('the signal')).toBe('signal-delivery');
    expect(await turned.ended()).toEqual({ code: 0, signal: null, stderr: '' });

    const referenced = node(`
    const { pid } = start(script().loop((s) => s.pause()));
    const tracer = new Tracer();
    const [tracee] = await tracer.seize(pid);
    post(pid);
    const stop = await tracee.wait();
    post(stop.kind);
    await tracer.close();
  `);
    const pid = await referenced.heard<number>('the tracee');
    await new Promise((resolve) => setTimeout(resolve, 300));
    // Nothing but the wait keeps it.
    expect(stateOf(referenced.pid)).toBe('S');
    send(pid, 10);
    expect(await referenced.heard('the signal')).toBe('signal-delivery');
    expect(await referenced.ended()).toEqual({ code: 0, signal: null, stderr: '' });
  },
  nodeLimit,
);

test(
  'what nobody awaits keeps Node not, though it is traced',
  async () => {
    const tracing = node(`
    const { pid } = start(script().getppidLoop());
    const tracer = new Tracer();
    const [tracee] = await tracer.attach(pid);
    tracee.resume('syscall');
    post('traced');
  `);
    expect(await tracing.heard('the storm')).toBe('traced');
    expect(await tracing.ended()).toEqual({ code: 0, signal: null, stderr: '' });
  },
  nodeLimit,
);
