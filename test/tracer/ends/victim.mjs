// A Node process that traces and then ends: node victim.mjs '{"entry", "way", "state", "policy", "pid"}'
//
// It brings a tracee into a state, says "ready PID", and ends in the given way, in its main thread or in a Worker, while the tracee stands
// there. When only the Worker ends, it says "over" and lives on until its standard input is closed.
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const plan = isMainThread ? JSON.parse(process.argv[2]) : workerData;
const say = (text) => writeSync(1, `${text}\n`);

/** The next stop of a kind; what comes before it goes on as if nobody had looked. */
async function reach(tracer, tracee, kind, resume) {
  for (;;) {
    const stop = await resume(tracee);
    if (stop.kind === kind) return stop;
    if (stop.kind === 'exited' || stop.kind === 'killed') throw new Error(`${stop.kind} before ${kind}`);
    tracer.resumeUnhandled(stop);
    resume = () => tracee.wait();
  }
}

const states = {
  running: async (tracer, tracee) => void tracee.resume(),
  'signal-delivery': async (tracer, tracee) => {
    tracee.resume();
    process.kill(tracee.pid, 'SIGUSR1');
    await reach(tracer, tracee, 'signal-delivery', () => tracee.wait());
  },
  'syscall-entry': (tracer, tracee) => reach(tracer, tracee, 'syscall-entry', () => tracee.resume('syscall')),
  'group-stop': async (tracer, tracee) => {
    tracee.resume();
    process.kill(tracee.pid, 'SIGSTOP');
    await reach(tracer, tracee, 'group-stop', () => tracee.wait());
  },
  listening: async (tracer, tracee) => {
    await states['group-stop'](tracer, tracee);
    tracee.listen();
  },
  exit: async (tracer, tracee) => {
    tracee.resume();
    process.kill(tracee.pid, 'SIGTERM');
    await reach(tracer, tracee, 'exit', () => tracee.wait());
  },
  step: (tracer, tracee) => reach(tracer, tracee, 'step', () => tracee.resume('step')),
  vfork: async (tracer, tracee) => {
    // Attached while it waited for a child of before: it stops when that has left.
    if (tracee.stop === null) await tracee.wait();
    const { child } = await reach(tracer, tracee, 'vfork', () => tracee.resume());
    await reach(tracer, child, 'event-stop', () => child.wait());
    child.resume();
    tracee.resume();
  },
};

async function trace() {
  const { Tracer } = await import(plan.entry);
  const tracer = new Tracer({
    events: ['fork', 'vfork', 'clone', 'exit'],
    resume: plan.state === 'syscall-entry' ? 'syscall' : 'cont',
  });
  const tracee =
    plan.policy === 'kill'
      ? await tracer.spawn('sleep', ['1000'], { stdio: 'null' })
      : (await tracer.attach(plan.pid))[0];
  await states[plan.state](tracer, tracee);
  tracer.unref();
  return tracee.pid;
}

const endings = {
  exit: () => process.exit(3),
  uncaught: () => {
    throw new Error('on purpose');
  },
  rejection: () => void Promise.reject(new Error('on purpose')),
  natural: () => undefined,
  abort: () => process.abort(),
  SIGTERM: () => void process.kill(process.pid, 'SIGTERM'),
  SIGINT: () => void process.kill(process.pid, 'SIGINT'),
  SIGHUP: () => void process.kill(process.pid, 'SIGHUP'),
  SIGKILL: () => void process.kill(process.pid, 'SIGKILL'),
  SIGSEGV: () => void process.kill(process.pid, 'SIGSEGV'),
};

if (!isMainThread) {
  parentPort.postMessage(await trace());
  if (plan.way === 'worker-exit') process.exit(3);
  // When it is told to: an error that overtakes the message would be what the main thread hears first.
  if (plan.way === 'worker-uncaught') parentPort.once('message', endings.uncaught);
  // Terminated from outside, or its natural end.
  if (plan.way === 'worker-terminate') setInterval(() => undefined, 1000);
} else if (plan.way.startsWith('worker-')) {
  const worker = new Worker(new URL(import.meta.url), { workerData: plan });
  worker.on('error', () => undefined);
  const exited = new Promise((resolve) => worker.on('exit', resolve));
  const [pid] = await once(worker, 'message');
  say(`ready ${pid}`);
  worker.postMessage('now');
  if (plan.way === 'worker-terminate') await worker.terminate();
  else await exited;
  say('over');
  process.stdin.resume();
} else {
  const pid = await trace();
  say(`ready ${pid}`);
  // From a turn of the event loop, so that it is no failed import.
  setImmediate(endings[plan.way]);
}
