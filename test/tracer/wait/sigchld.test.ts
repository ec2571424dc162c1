/**
 * SIGCHLD belongs to the whole process: what the tracer does to its handler is undone, and whoever else listens to it keeps hearing of deaths.
 */
import { expect, test } from 'vitest';
import { node, nodeLimit } from '../../helpers/node.js';

/** In a Node of its own: the handler of the test's process is shared with all its tests. */
const PRELUDE = `
  import { spawn, spawnSync } from 'node:child_process';
  let rings = 0;
  const listener = () => { rings++; };
  // Nothing but stops: a child that stops and goes on as it is told. Its stops ring unless the handler has SA_NOCLDSTOP.
  const stopper = run(script().loop((s) => s.pause()));
  const turns = async (count) => { for (; count > 0; count--) await new Promise((resolve) => setImmediate(resolve)); };
  const stopAndGo = async () => {
    await delay(20);
    const before = rings;
    process.kill(stopper, 'SIGSTOP');
    await until(() => stateOf(stopper) === 'T');
    await delay(20);
    process.kill(stopper, 'SIGCONT');
    await until(() => stateOf(stopper) === 'S');
    await delay(20);
    return rings > before;
  };
  const death = async () => {
    const before = rings;
    const pid = run(script().exitGroup(0));
    await until(() => stateOf(pid) === 'Z');
    await delay(20);
    raw.wait4(pid);
    return rings > before;
  };
  const nodesChild = () => new Promise((resolve) => {
    spawn('/bin/sh', ['-c', 'exit 3'], { stdio: 'ignore' }).on('exit', (code, signal) => resolve([code, signal]));
  });
`;

test(
  "a user's listener hears of stops before and after, of deaths always",
  async () => {
    const tracing = node(`
    ${PRELUDE}
    process.on('SIGCHLD', listener);
    post(['before', await stopAndGo(), await death(), await nodesChild()]);

    const tracer = new Tracer();
    const { pid } = start(script().getppidLoop());
    const [tracee] = await tracer.attach(pid);
    post(['traced, nobody waits', await stopAndGo(), await death(), await nodesChild()]);

    const sleeper = start(script().loop((s) => s.pause()));
    const [second] = await tracer.seize(sleeper.pid);
    const waiting = second.wait();
    await delay(20);
    post(['somebody sleeps', await stopAndGo(), await death(), await nodesChild()]);
    process.kill(sleeper.pid, 'SIGKILL');
    await waiting;

    let stops = 0;
    const begin = rings;
    for (; stops < 2000; stops++) await tracee.resume('syscall');
    // A storm that rang each time would have been heard hundreds of times.
    post(['a storm', rings - begin < 200, await death(), await nodesChild()]);

    await tracer.close();
    process.kill(pid, 'SIGKILL');
    post(['closed', await stopAndGo(), await death(), await nodesChild()]);

    {
      const again = new Tracer();
      await again.seize(stopper);
      await again.close();
    }
    post(['closed again', await stopAndGo(), await death(), await nodesChild()]);
    process.off('SIGCHLD', listener);
    const sync = spawnSync('/bin/sh', ['-c', 'exit 5']);
    post(['no listener', sync.status, await nodesChild()]);
  `);
    const child = [3, null];
    expect(await tracing.heard('before')).toEqual(['before', true, true, child]);
    expect(await tracing.heard('traced')).toEqual(['traced, nobody waits', false, true, child]);
    expect(await tracing.heard('sleeping')).toEqual(['somebody sleeps', true, true, child]);
    expect(await tracing.heard('the storm')).toEqual(['a storm', true, true, child]);
    expect(await tracing.heard('closed')).toEqual(['closed', true, true, child]);
    expect(await tracing.heard('closed again')).toEqual(['closed again', true, true, child]);
    expect(await tracing.heard('the end')).toEqual(['no listener', 5, child]);
    expect(await tracing.ended()).toEqual({ code: 0, signal: null, stderr: '' });
  },
  nodeLimit,
);

test(
  'a listener that comes while a tracer works hears of stops again when the tracer has closed',
  async () => {
    const tracing = node(`
    ${PRELUDE}
    const tracer = new Tracer();
    const { pid } = start(script().loop((s) => s.pause()));
    const [tracee] = await tracer.attach(pid);
    process.on('SIGCHLD', listener);
    post(await death());
    await tracer.close();
    process.kill(pid, 'SIGKILL');
    post([await stopAndGo(), await death()]);
  `);
    expect(await tracing.heard('a death')).toBe(true);
    expect(await tracing.heard('a stop after the close')).toEqual([true, true]);
  },
  nodeLimit,
);

test(
  'a listener that goes while a tracer works takes nothing from the tracer',
  async () => {
    const tracing = node(`
    ${PRELUDE}
    process.on('SIGCHLD', listener);
    const tracer = new Tracer();
    const { pid } = start(script().loop((s) => s.pause()));
    const [tracee] = await tracer.seize(pid);
    for (let round = 0; round < 10; round++) {
      if (round % 2 === 0) process.off('SIGCHLD', listener); else process.on('SIGCHLD', listener);
      const waiting = tracee.wait();
      await delay(5);
      process.kill(pid, 'SIGUSR1');
      (await waiting).suppress();
    }
    post('all heard');
    await tracer.close();
    process.kill(pid, 'SIGKILL');
    process.kill(stopper, 'SIGKILL');
    process.removeAllListeners('SIGCHLD');
  `);
    expect(await tracing.heard('ten stops')).toBe('all heard');
    expect(await tracing.ended()).toEqual({ code: 0, signal: null, stderr: '' });
  },
  nodeLimit,
);
