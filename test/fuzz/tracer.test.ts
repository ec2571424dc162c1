/**
 * Arbitrary values at everything that the package's main entry gives out: each call answers with a value or fails with a PtraceError, nothing
 * crashes, nothing hangs, nothing is left behind. And random programs of valid operations on a small tree of tracees: they always settle.
 *
 * What could hit a bystander is kept out of the arguments, and nothing else: ids are those of the test's own children, or of nobody.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import * as main from '../../lib/index.js';
import { X64Registers } from '../../lib/kernel/arch/x64/registers.js';
import { Arm64Registers } from '../../lib/kernel/arch/arm64/registers.js';
import { binding } from '../../lib/binding.js';
import { hostSyscallNumber } from '../../lib/raw/host-syscalls.js';
import { type ChildScript, script, type ScriptChild } from '../../lib/raw/child.js';
import { limit } from '../helpers/scale.js';
import { processes } from '../helpers/leftovers.js';
import { killAndReap } from '../helpers/processes.js';
import {
  child,
  describeProcess,
  expectUntraced,
  isOver,
  newTracer,
  readWord,
  send,
  statusOf,
  tasksOf,
  turns,
  until,
  within,
} from '../helpers/tracing.js';
import { confined } from './confined.js';
import { anything, buffers, edges, realize } from './values.js';

// The same values in every run, unless others are asked for: to search, give more runs and another seed.
const RUNS = Number(process.env['LINUX_PTRACE_FUZZ_RUNS'] ?? 40);
const SEED = Number(process.env['LINUX_PTRACE_FUZZ_SEED'] ?? 2011);
const settings = { numRuns: RUNS, seed: SEED };
const patience = { timeout: limit(30_000 + 200 * RUNS) };

type Call = (...args: unknown[]) => unknown;
type Methods = Readonly<Record<string, Call | undefined>>;
type Arguments = readonly fc.Arbitrary<unknown>[];

// --- Arguments ---

const MAX_PID = 4194304;
const OWN = Symbol('the tracee');
const OTHER = Symbol('a child that is not traced');

/** Whether a value could be taken for the id of somebody: a process, a thread, this process itself. */
const couldBeSomebody = (value: unknown): boolean =>
  typeof value === 'number' && value > -1 - MAX_PID && value <= MAX_PID;
const nobody = fc
  .oneof(anything, fc.integer({ min: MAX_PID + 1, max: 2 ** 31 - 1 }))
  .filter((v) => !couldBeSomebody(v));
const tid = fc.oneof(
  { arbitrary: nobody, weight: 3 },
  { arbitrary: fc.constant(OWN), weight: 1 },
  { arbitrary: fc.constant(OTHER), weight: 1 },
);

const optional = (arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary, weight: 4 }, { arbitrary: fc.constant(undefined), weight: 1 });
const bag = (shape: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> =>
  optional(
    fc.oneof({ arbitrary: fc.record(shape, { requiredKeys: [] }), weight: 3 }, { arbitrary: anything, weight: 1 }),
  );
const oneOf = (...values: unknown[]): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: fc.constantFrom(...values), weight: 3 }, { arbitrary: anything, weight: 1 });

const signal = oneOf(0, 10, 12, 18, 19, 'SIGUSR1', 'SIGCONT', 'SIGRTMIN+3', 'SIGKILL');
const mode = oneOf('cont', 'syscall', 'step', 'block-step', 'sysemu', 'sysemu-step');
const policy = oneOf('kill', 'detach');
const small = fc.oneof(fc.integer({ min: 0, max: 40 }), edges, anything);
const word = fc.oneof(edges, fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), anything);
const buffer = fc.oneof({ arbitrary: buffers, weight: 4 }, { arbitrary: anything, weight: 1 });
const waiting = bag({ signal: anything });
const ROOM = Symbol('memory of the tracee');
const address = fc.oneof({ arbitrary: word, weight: 2 }, { arbitrary: fc.constant(ROOM), weight: 1 });
const resuming = [optional(mode), bag({ signal: optional(signal) })];
const attaching = [
  tid,
  bag({ onTracerExit: optional(policy), threads: oneOf('all', 'one'), allowNodeChild: oneOf(true, false) }),
];

const tracerOptions = bag({
  events: fc.oneof(
    fc.array(oneOf('fork', 'vfork', 'vfork-done', 'clone', 'exec', 'exit', 'seccomp'), { maxLength: 8 }),
    anything,
  ),
  onTracerExit: optional(policy),
  resume: optional(mode),
  colocate: oneOf('off', 'on', 'auto'),
  suspendSeccomp: oneOf(false),
});

/** A descriptor that is none, or one that everybody may have. */
const stdio = fc.oneof(
  fc.constantFrom<unknown>('null', 'pipe', 'pty'),
  fc.array(oneOf('null', 'pipe'), { maxLength: 6 }),
  anything,
);
const spawning = bag({
  argv0: optional(anything),
  env: optional(anything),
  cwd: oneOf('/', '/nowhere'),
  stdio,
  session: oneOf(true, false),
  processGroup: oneOf('own'),
  umask: small,
  affinity: fc.oneof(fc.array(small, { maxLength: 4 }), anything),
  resourceLimits: fc.oneof(fc.array(bag({ resource: small, soft: word, hard: word }), { maxLength: 3 }), anything),
  personality: small,
  uid: oneOf(0, 65534),
  gid: oneOf(0, 65534),
  groups: fc.oneof(fc.array(small, { maxLength: 3 }), anything),
  noNewPrivs: oneOf(true, false),
  seccomp: buffer,
  seccompFlags: small,
  blockedSignals: fc.oneof(fc.array(signal, { maxLength: 4 }), anything),
  resetIgnored: oneOf(true, false),
  diesWithParent: oneOf(true, false),
  onTracerExit: optional(policy),
});

// --- What methods there are ---

/** What a prototype offers itself: methods, setters, getters. */
function offered(prototype: object, what: 'value' | 'get' | 'set'): string[] {
  return Reflect.ownKeys(prototype)
    .filter((key): key is string => typeof key === 'string' && key !== 'constructor')
    .filter((key) => typeof Object.getOwnPropertyDescriptor(prototype, key)?.[what] === 'function');
}

/** The same with all that it inherits. */
function allOffered(prototype: object, what: 'value' | 'get' | 'set'): string[] {
  const names = new Set<string>();
  for (let up: object = prototype; up !== Object.prototype; up = Object.getPrototypeOf(up) as object) {
    for (const name of offered(up, what)) names.add(name);
  }
  return [...names].sort();
}

// --- Calls and their outcome ---

const unsettled = new Map<Promise<unknown>, string>();

/** An error that the value itself threw, in code of its own. */
function isFromValue(error: unknown): boolean {
  return error instanceof Error && /hostile|revoked|Cannot convert|primitive|Symbol/.test(error.message);
}

/**
 * Calls, and judges: it answers, or fails with a PtraceError. A promise is judged when it is settled.
 *
 * @param pure whether it is a register setter or a helper without a tracee, which may throw TypeError and RangeError, too
 */
function attempt(what: string, values: readonly unknown[], call: () => unknown, pure = false): unknown {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    if (main.isPtraceError(error)) return undefined;
    if (pure && (error instanceof TypeError || error instanceof RangeError || isFromValue(error))) return undefined;
    throw new Error(`${what}(${fc.stringify(values)})`, { cause: error });
  }
  if (!(result instanceof Promise)) return result;
  const promise: Promise<unknown> = result.catch((error: unknown) => {
    if (!main.isPtraceError(error)) throw new Error(`${what}(${fc.stringify(values)})`, { cause: error });
    return undefined;
  });
  unsettled.set(promise, what);
  void promise.then(
    () => unsettled.delete(promise),
    () => undefined,
  );
  return promise;
}

async function allSettled(): Promise<void> {
  const waiting = [...unsettled];
  try {
    await within(
      Promise.all(waiting.map(([promise]) => promise)),
      () => `settled: ${[...unsettled.values()].join('; ')}`,
    );
  } finally {
    for (const [promise] of waiting) unsettled.delete(promise);
  }
}

// --- The tracee ---

let tracer: main.Tracer | undefined;
let started: ScriptChild | undefined;
let tracee: main.Tracee | undefined;
let other: ScriptChild | undefined;
/** The tracee's registers when it was attached. */
let home: Uint8Array | undefined;

afterEach(async () => {
  const closing = tracer;
  tracer = started = tracee = other = undefined;
  if (closing !== undefined) await within(closing.close(), 'close');
  await allSettled();
});

/** The tracee, in a stop: another one if the last has ended or was let go. */
async function ready(): Promise<main.Tracee> {
  tracer ??= newTracer({ onTracerExit: 'kill', events: ['fork', 'vfork', 'clone', 'seccomp'] });
  for (;;) {
    if (tracee === undefined || tracee.state === 'ended' || tracee.state === 'detached') {
      if (started !== undefined && tracee?.state === 'ended') await killAndReap(started.pid);
      if (started === undefined || isOver(started.pid)) started = await confined();
      tracee = undefined;
      try {
        [tracee] = await within(tracer.attach(started.pid), 'attach');
        home = tracee?.registers.bytes.slice();
      } catch (error) {
        // It was let go with a signal that ends it.
        if (!isOver(started.pid)) throw error;
        await killAndReap(started.pid);
      }
      continue;
    }
    if (tracee.stop !== null) return tracee;
    await within(tracee.interrupt(), () => `${String(tracee)} stops`);
  }
}

/** A child that is not traced. */
async function bystander(): Promise<ScriptChild> {
  if (other !== undefined && tracer?.tracee(other.pid) !== undefined) {
    await within(tracer.detach(other.pid), 'the bystander is let go');
  }
  if (other === undefined || isOver(other.pid)) other = await confined();
  return other;
}

/** The values as they are used. */
async function used(values: readonly unknown[]): Promise<unknown[]> {
  const given: unknown[] = [];
  for (const value of values) {
    if (value === OWN) given.push((await ready()).pid);
    else if (value === OTHER) given.push((await bystander()).pid);
    else if (value === ROOM) given.push(started?.address('room') ?? 0n);
    else given.push(realize(value));
  }
  return given;
}

/** A method with arbitrary arguments, the last of them now and then missing. */
function methodCall(
  methods: Readonly<Record<string, Arguments>>,
): fc.Arbitrary<readonly [name: string, values: unknown[]]> {
  return fc.oneof(
    ...Object.entries(methods).map(([name, args]) =>
      fc
        .tuple(fc.tuple(...args), fc.boolean())
        .map(([values, missing]) => [name, missing ? values.slice(0, -1) : values] as const),
    ),
  );
}

// --- Methods ---

const tracerMethods: Readonly<Record<string, Arguments>> = {
  tracee: [anything],
  spawn: [anything.map((value) => (typeof value === 'string' ? `/nowhere/${value}` : value)), anything, spawning],
  attach: attaching,
  seize: attaching,
  wait: [waiting],
  resumeUnhandled: [anything],
  unref: [anything],
  ref: [anything],
  // Without a process it means all.
  detach: [tid.filter((value) => value !== undefined), anything],
};
/** In a test of its own: nothing works after it. */
const closing = ['close'];

const traceeMethods: Readonly<Record<string, Arguments>> = {
  resume: resuming,
  wait: [waiting],
  end: [anything],
  interrupt: [anything],
  listen: [anything],
  detach: [bag({ signal: optional(signal) })],
  kill: [anything],
  siginfo: [anything],
  setSyscallNumber: [small],
  toString: [anything],
};
/** Public only for the files beside it: what the source says is internal, and the declarations leave out. */
const traceeInternals = [
  ...readFileSync(new URL('../../lib/tracer/tracee.ts', import.meta.url), 'utf8').matchAll(
    /@internal\s*\*\/\n {2}(?!constructor)(\w+)\(/g,
  ),
].map(([, name = '']) => name);

const memoryMethods: Readonly<Record<string, Arguments>> = {
  read: [address, small],
  readInto: [address, buffer],
  write: [address, buffer],
  readCString: [address, bag({ maxLength: small })],
  close: [anything],
};

const stopMethods: Readonly<Record<string, Arguments>> = {
  resume: resuming,
  hold: [anything],
  detach: [anything],
  listen: [anything],
  suppress: [optional(mode)],
  arg: [small],
  setNumber: [small],
  setArg: [small, word],
  setResult: [word],
  skip: [anything],
  toString: [anything],
};
const stopInternals = ['check'];

const registerMethods: Readonly<Record<string, Arguments>> = {
  get: [fc.oneof(fc.constantFrom(...X64Registers.prototype.names), anything)],
  set: [fc.oneof(fc.constantFrom(...X64Registers.prototype.names), anything), word],
  arg: [small],
  setArg: [small, word],
  toObject: [anything],
};
const registerInternals = ['read', 'readInt32', 'readSigned', 'write', 'writeInt32'];

const helpers: Readonly<Record<string, Arguments>> = {
  isPtraceError: [anything],
  isEnd: [anything],
  signalName: [small],
  signalNumber: [signal],
  errnoName: [small],
  syscallName: [oneOf('x86_64', 'i386', 'x32', 'aarch64', 'arm'), small],
  syscallNumber: [oneOf('x86_64', 'i386', 'x32', 'aarch64', 'arm'), oneOf('read', 'getpid')],
  breakpointFor: [oneOf('x86_64', 'i386', 'x32', 'aarch64', 'arm')],
};
/** Not helpers of arbitrary values: the first is asked about our own ids alone, the other takes nothing and tries the kernel. */
const otherFunctions = ['explainAccess', 'probe'];

const api = main as unknown as Readonly<Record<string, Call>>;

it('registers that the kernel refuses fail what goes on, and do not keep the tracer from letting go', async () => {
  const { pid } = await confined();
  const own = newTracer();
  const [one] = await within(own.attach(pid), 'attach');
  if (one === undefined) throw new Error('no tracee');
  const { registers } = one;
  // A code segment of ring 0; on arm64 a mode that is not that of a program.
  if (registers.abi === 'x86_64') registers.set('cs', 1n);
  else registers.flags = 0x1fn;
  for (const going of [() => one.resume(), () => one.detach()]) {
    try {
      await going();
      throw new Error('it went on');
    } catch (error) {
      if (!main.isPtraceError(error)) throw error;
      expect([error.reason, one.state]).toEqual(['kernel', 'stopped']);
    }
  }
  await within(own.close(), 'close');
  await expectUntraced(pid, 'S');
});

describe('arbitrary values', () => {
  it('reach everything public', () => {
    const isClass = (value: unknown): boolean => /^class\b/.test(Function.prototype.toString.call(value));
    const functions = Object.entries(main).filter(([, value]) => typeof value === 'function' && !isClass(value));
    expect([...Object.keys(helpers), ...otherFunctions].sort()).toEqual(functions.map(([name]) => name).sort());
    const methods = (prototype: object): string[] => allOffered(prototype, 'value');
    expect([...Object.keys(tracerMethods), ...closing].sort()).toEqual(methods(main.Tracer.prototype));
    expect([...new Set([...Object.keys(traceeMethods), ...traceeInternals])].sort()).toEqual(
      methods(main.Tracee.prototype),
    );
    expect(methods(main.SpawnedTracee.prototype)).toEqual(methods(main.Tracee.prototype));
    expect(Object.keys(memoryMethods).sort()).toEqual(methods(main.TraceeMemory.prototype));
    expect([...Object.keys(registerMethods), ...registerInternals].sort()).toEqual(methods(X64Registers.prototype));
    const stops = Object.entries(main).filter(([name, value]) => /Stop$/.test(name) && isClass(value));
    expect(stops.length).toBeGreaterThan(14);
    const known = [...Object.keys(stopMethods), ...stopInternals, 'then', 'catch', 'finally'];
    for (const [, stop] of stops) {
      expect(known).toEqual(expect.arrayContaining(methods((stop as { prototype: object }).prototype)));
    }
  });

  for (const [name, args] of Object.entries(helpers)) {
    it(name, patience, () => {
      fc.assert(
        fc.property(fc.tuple(...args), (values) => {
          attempt(name, values, () => api[name]?.(...values.map(realize)), true);
        }),
        settings,
      );
    });
  }

  it('explainAccess', patience, async () => {
    await ready();
    await fc.assert(
      fc.asyncProperty(tid, async (value) => {
        const given = await used([value]);
        attempt('explainAccess', [value], () => api['explainAccess']?.(...given));
      }),
      settings,
    );
  });

  it('new Tracer', patience, async () => {
    await fc.assert(
      fc.asyncProperty(tracerOptions, async (value) => {
        const made = attempt('new Tracer', [value], () => new main.Tracer(realize(value) as main.TracerOptions));
        await (made as main.Tracer | undefined)?.close();
      }),
      settings,
    );
  });

  for (const [name, args] of Object.entries(tracerMethods)) {
    it(`tracer.${name}`, patience, async () => {
      await ready();
      await fc.assert(
        fc.asyncProperty(methodCall({ [name]: args }), async ([, values]) => {
          await ready();
          if (tracer === undefined) throw new Error('no tracer');
          const mine = tracer as unknown as Methods;
          const given = await used(values);
          const result = attempt(name, values, () => mine[name]?.call(tracer, ...given));
          // A wait lasts until there is a stop.
          if (result instanceof Promise && name !== 'wait') await within(result, `${name}(${fc.stringify(values)})`);
          tracer.ref();
        }),
        settings,
      );
    });
  }

  it('tracer.spawn of a program that there is', patience, async () => {
    await ready();
    await fc.assert(
      fc.asyncProperty(oneOf([], ['a', 'b']), spawning, async (args, options) => {
        if (tracer === undefined) throw new Error('no tracer');
        const mine = tracer as unknown as { spawn: Call };
        const given = [realize(args), realize(options)];
        const result = attempt('spawn', [args, options], () => mine.spawn('/bin/true', ...given));
        const spawned = (await within(result as Promise<unknown>, `spawn(${fc.stringify([args, options])})`)) as
          main.SpawnedTracee | undefined;
        if (spawned === undefined) return;
        spawned.stdin?.on('error', () => undefined);
        spawned.kill();
        await within(spawned.end(), 'its end');
        for (const stream of [spawned.stdin, spawned.stdout, spawned.stderr]) stream?.destroy();
      }),
      { ...settings, numRuns: Math.ceil(RUNS / 2) },
    );
    expect(tracer?.tracees.filter(({ pid }) => pid !== started?.pid)).toEqual([]);
  });

  for (const [name, args] of Object.entries(traceeMethods)) {
    it(`tracee.${name}`, patience, async () => {
      await fc.assert(
        fc.asyncProperty(methodCall({ [name]: args }), fc.boolean(), async ([, values], running) => {
          const own = await ready();
          if (running) own.resume();
          const given = await used(values);
          const result = attempt(name, values, () => (own as unknown as Methods)[name]?.call(own, ...given));
          if (name === 'detach') await within(result as Promise<unknown>, 'it is detached');
        }),
        settings,
      );
    });
  }

  for (const [name, args] of Object.entries(memoryMethods)) {
    it(`memory.${name}`, patience, async () => {
      await fc.assert(
        fc.asyncProperty(methodCall({ [name]: args }), fc.boolean(), async ([, values], running) => {
          const { memory } = await ready();
          const given = await used(values);
          if (running) tracee?.resume();
          attempt(name, values, () => (memory as unknown as Methods)[name]?.call(memory, ...given));
        }),
        settings,
      );
    });
  }

  it('registers, which may then be such that the kernel refuses them', patience, async () => {
    const prototype = process.arch === 'arm64' ? Arm64Registers.prototype : X64Registers.prototype;
    const setters = allOffered(prototype, 'set');
    expect(setters.length).toBeGreaterThan(30);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(methodCall(registerMethods), fc.tuple(fc.constantFrom(...setters), fc.tuple(word))), {
          minLength: 1,
          maxLength: 4,
        }),
        async (calls) => {
          const { registers } = await ready();
          for (const [name, values] of calls) {
            const given = values.map(realize);
            attempt(
              name,
              values,
              () => {
                if (setters.includes(name)) Reflect.set(registers, name, given[0], registers);
                else return (registers as unknown as Methods)[name]?.call(registers, ...given);
                return undefined;
              },
              true,
            );
          }
          attempt('resume', [], () => tracee?.resume());
          // Whatever the registers are: it can be brought to a stop, or has ended.
          await ready();
        },
      ),
      { ...settings, numRuns: 5 * RUNS },
    );
  });
});

// --- Stops ---

/** Makes the tracee play a few instructions, from where it was when it was attached, and go back there. */
function callAt(own: main.Tracee, address: bigint): void {
  const { registers } = own;
  if (home !== undefined) registers.bytes.set(home);
  if (registers.abi === 'x86_64') {
    const back = new BigUint64Array([registers.pc]);
    registers.sp -= 8n;
    own.memory.write(registers.sp, new Uint8Array(back.buffer));
  }
  registers.pc = address;
  registers.syscallNumber = -1;
}

/** Brings the tracee into a stop of a kind. */
const kinds: Readonly<Record<string, (own: main.Tracee) => Promise<main.Stop>>> = {
  'event-stop': async (own) => {
    own.resume();
    return own.interrupt();
  },
  'signal-delivery': (own) => {
    send(own.pid, main.SIG.SIGUSR1);
    return Promise.resolve(own.resume());
  },
  'group-stop': (own) => {
    send(own.pid, main.SIG.SIGSTOP);
    return Promise.resolve(own.resume());
  },
  'syscall-entry': (own) => Promise.resolve(own.resume('syscall')),
  'syscall-exit': (own) => {
    const inCall = own.stop?.kind === 'syscall-entry';
    const next = own.resume('syscall');
    // Nothing else ends its pause.
    if (inCall) own.interrupt();
    return Promise.resolve(next);
  },
  step: (own) => {
    callAt(own, started?.nops ?? 0n);
    return Promise.resolve(own.resume('step'));
  },
  breakpoint: (own) => {
    callAt(own, started?.trap ?? 0n);
    return Promise.resolve(own.resume());
  },
  seccomp: (own) => {
    const stop = own.stop;
    if (stop?.kind === 'syscall-entry') stop.setNumber(hostSyscallNumber('getppid') ?? -1);
    return Promise.resolve(own.resume(stop?.kind === 'syscall-entry' ? 'cont' : 'syscall'));
  },
};

async function stoppedIn(kind: string): Promise<main.Stop> {
  for (let tries = 0; tries < 20; tries++) {
    // What the last tries have done to it may stand in the way.
    if (tries % 5 === 4) await dismiss();
    const own = await ready();
    if (own.stop?.kind === kind) return own.stop;
    const stop = await within((kinds[kind] as (own: main.Tracee) => Promise<main.Stop>)(own), kind);
    if (stop.kind === kind && !stop.tracee.stop?.usedUp) return stop;
  }
  throw new Error(`no ${kind} stop`);
}

async function dismiss(): Promise<void> {
  const own = tracee;
  if (own === undefined || own.state === 'ended' || own.state === 'detached') return;
  own.kill();
  await within(own.end(), 'its end');
}

describe('arbitrary values at the methods of a stop', () => {
  for (const kind of Object.keys(kinds)) {
    it(kind, patience, async () => {
      await fc.assert(
        fc.asyncProperty(methodCall(stopMethods), fc.boolean(), async ([name, values], over) => {
          const stop = await stoppedIn(kind);
          if (over) {
            attempt('resume', [], () => tracee?.resume());
          }
          const method = (stop as unknown as Methods)[name];
          const given = values.map(realize);
          if (method !== undefined) {
            const result = attempt(
              `${kind}.${name}`,
              values,
              () => method.call(stop, ...given),
              name === 'setArg' || name === 'setResult',
            );
            if (name === 'detach') await result;
          }
          for (const getter of allOffered(Object.getPrototypeOf(stop) as object, 'get')) {
            attempt(getter, [], () => Reflect.get(stop, getter, stop));
          }
        }),
        { ...settings, numRuns: 3 * RUNS },
      );
    });
  }
});

it('close, and everything after it', patience, async () => {
  await fc.assert(
    fc.asyncProperty(anything, fc.array(methodCall(tracerMethods), { maxLength: 4 }), async (value, calls) => {
      const closed = newTracer();
      const mine = closed as unknown as Methods;
      const first = attempt('close', [value], () => mine['close']?.call(closed, realize(value)));
      for (const [name, values] of calls) {
        const given = values.map((each) => (typeof each === 'symbol' ? 1 : realize(each)));
        attempt(name, values, () => mine[name]?.call(closed, ...given));
      }
      await within(first as Promise<unknown>, 'close');
    }),
    settings,
  );
  await allSettled();
});

// --- Programs of valid operations ---

/** A leader with two more threads and a child, all of which pause and handle SIGUSR1. */
const family = (): ChildScript =>
  script()
    .handle('SIGUSR1', (s) => s.increment('handled'))
    .fork((s) => s.loop((part) => part.pause()))
    .loop((s) => s.thread((t) => t.increment('threads').loop((part) => part.pause())), 2)
    .waitUntil('threads', '==', 2)
    .store('ready', 1)
    .loop((s) => s.pause());

const signals = fc.oneof(
  { arbitrary: fc.constantFrom('SIGUSR1', 'SIGSTOP', 'SIGCONT', 'SIGTSTP', 'SIGUSR1'), weight: 12 },
  { arbitrary: fc.constantFrom('SIGTERM', 'SIGKILL'), weight: 1 },
);
const who = fc.nat({ max: 3 });
/** What is done, and to which of the tracees. */
type Operation =
  | { do: 'resume'; who: number; mode: main.ResumeMode; signal: string | undefined }
  | { do: 'send'; who: number; signal: string; process: boolean }
  | On<'interrupt' | 'listen' | 'next' | 'take' | 'detach' | 'kill'>
  | { do: 'attach' }
  | { do: 'detach all' };
type On<T> = T extends string ? { do: T; who: number } : never;

const does = <T extends Operation['do']>(...names: T[]): fc.Arbitrary<T> => fc.constantFrom(...names);
const operations: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    do: does('resume'),
    who,
    mode: fc.constantFrom<main.ResumeMode>('cont', 'syscall', 'step', 'cont'),
    signal: fc.option(signals, { nil: undefined }),
  }),
  fc.record({ do: does('interrupt', 'listen', 'next', 'take'), who }) as fc.Arbitrary<Operation>,
  fc.record({ do: does('send'), who, signal: signals, process: fc.boolean() }),
  fc.record({ do: does('detach', 'kill'), who }) as fc.Arbitrary<Operation>,
  fc.record({ do: does('detach all', 'attach', 'attach') }) as fc.Arbitrary<Operation>,
);

/** Plays one operation on whoever it means. What cannot be done now fails, and that is as good. */
async function play(operation: Operation, own: main.Tracer, pids: readonly number[]): Promise<void> {
  if (operation.do === 'attach') {
    for (const pid of pids) if (!isOver(pid)) await (attempt('attach', [], () => own.attach(pid)) as Promise<unknown>);
    return;
  }
  if (operation.do === 'detach all') {
    await (attempt('detach', [], () => own.detach()) as Promise<unknown>);
    return;
  }
  const { tracees } = own;
  const target = tracees[operation.who % tracees.length];
  if (target === undefined) return;
  switch (operation.do) {
    case 'resume': {
      const { mode, signal } = operation;
      attempt('resume', [mode, signal], () =>
        (target as unknown as { resume: Call }).resume(mode, signal === undefined ? undefined : { signal }),
      );
      return;
    }
    case 'send': {
      const number = main.signalNumber(operation.signal) ?? 0;
      // Not to a number that somebody else may have by now.
      if (statusOf(target.tid)?.tracerPid !== process.pid) return;
      if (operation.process) send(target.pid, number);
      else binding().tgkill(target.pid, target.tid, number);
      return;
    }
    case 'next':
      // Nothing may come: the end of the tracer ends this wait.
      attempt('wait', [], () => target.wait());
      return;
    case 'take':
      attempt('take', [], () => own.wait({ signal: AbortSignal.timeout(1) }));
      return;
    case 'detach':
      await (attempt('detach', [], () => target.detach()) as Promise<unknown>);
      return;
    case 'interrupt':
    case 'listen':
    case 'kill':
      attempt(operation.do, [], () => target[operation.do]());
      await turns(1);
  }
}

describe('random programs of valid operations', () => {
  it('settle, and leave nothing behind', { timeout: limit(30_000 + 500 * RUNS) }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operations, { minLength: 5, maxLength: 30 }),
        fc.constantFrom('kill' as const, 'detach' as const),
        async (program, onTracerExit) => {
          const leader = child(family());
          await until(() => readWord(leader, 'ready') === 1n, 'the family');
          const children = readFileSync(`/proc/${leader.pid}/task/${leader.pid}/children`, 'latin1');
          const pids = [leader.pid, ...children.trim().split(' ').map(Number)];
          expect(pids.length).toBe(2);
          const own = newTracer({ onTracerExit });
          for (const pid of pids) await within(own.attach(pid), 'attach');
          expect(own.tracees.length).toBe(4);
          for (const operation of program) {
            await within(play(operation, own, pids), () => `${fc.stringify(operation)} on ${own.tracees.join(', ')}`);
          }
          await within(own.close(), () => `close with ${own.tracees.join(', ')}`);
          await allSettled();
          for (const pid of pids) {
            // A leader that has left before its threads stays a zombie of ours until they have, too.
            await until(
              () => tasksOf(pid).every((task) => (statusOf(task)?.tracerPid ?? 0) === 0),
              () => `untraced: ${tasksOf(pid).map(describeProcess).join(', ')}`,
            );
            if (onTracerExit === 'kill' && !program.some(({ do: what }) => what.startsWith('detach'))) {
              await until(() => isOver(pid), `${pid} was killed`);
            }
          }
          const left = processes().filter(({ pid, pgrp }) => pids.includes(pid) && pgrp === leader.pid);
          for (const { pid } of left) send(pid, main.SIG.SIGKILL);
          await killAndReap(leader.pid);
          for (const { pid } of left) {
            await until(
              () => isOver(pid),
              () => `the end of ${describeProcess(pid)}`,
            );
          }
        },
      ),
      settings,
    );
  });
});

it('this process is as it was', () => {
  expect(statusOf(process.pid)).toMatchObject({ tracerPid: 0, sigPnd: 0n });
});
