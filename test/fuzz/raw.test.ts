/**
 * Arbitrary values at every public function of raw/: each answers with a value or throws a PtraceError, nothing crashes, nothing hangs.
 *
 * What could hit a bystander is kept out of the arguments, and nothing else: ids are those of the test's own tracee, or of nobody.
 */
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { isPtraceError } from '../../lib/errors.js';
import { PTRACE_X64 } from '../../lib/kernel/arch/x64/requests.js';
import { PTRACE } from '../../lib/kernel/requests.js';
import { W } from '../../lib/kernel/wait-flags.js';
import { procStatus } from '../../lib/proc.js';
import * as raw from '../../lib/raw/index.js';
import { hostSyscallNumber } from '../../lib/raw/host-syscalls.js';
import { limit } from '../helpers/scale.js';
import { EVENT_STOP, finish, next } from '../raw/tracee.js';
import { anything, buffers, edges, realize } from './values.js';

// The same values in every run, unless others are asked for: to search, give more runs and another seed.
const RUNS = Number(process.env['LINUX_PTRACE_FUZZ_RUNS'] ?? 150);
const SEED = Number(process.env['LINUX_PTRACE_FUZZ_SEED'] ?? 2011);

// --- A tracee that can be mistreated: with arbitrary registers and memory it must not be able to do anything. ---

const KILL_PROCESS = 0x8000_0000;
const ALLOW = 0x7fff_0000;

/** A seccomp filter that kills for every system call but these. */
function only(...calls: string[]): Uint8Array {
  const numbers = calls.map((call) => hostSyscallNumber(call)).filter((number) => number !== undefined);
  const bytes = new Uint8Array(8 * (numbers.length + 3));
  const view = new DataView(bytes.buffer);
  const emit = (index: number, code: number, jt: number, k: number): void => {
    view.setUint16(8 * index, code, true);
    view.setUint8(8 * index + 2, jt);
    view.setUint32(8 * index + 4, k, true);
  };
  emit(0, 0x20, 0, 0);
  for (const [index, number] of numbers.entries()) emit(index + 1, 0x15, numbers.length - index, number);
  emit(numbers.length + 1, 0x06, 0, KILL_PROCESS);
  emit(numbers.length + 2, 0x06, 0, ALLOW);
  return bytes;
}

const harmless = raw
  .script()
  .seccompFilter(only('pause', 'ppoll', 'rt_sigreturn', 'restart_syscall', 'exit_group'))
  .set(1)
  .store('confined')
  .loop((s) => s.pause());

let victim = 0;

/** The tracee, stopped. Whatever was done to the last one, this one is fresh enough: traced by us, and in a stop. */
function tracee(): number {
  const status = victim === 0 ? undefined : procStatus(victim);
  if (status?.ppid === process.pid && status.tracerPid === process.pid && status.state === 't') return victim;
  if (victim !== 0) finish(victim);
  const child = raw.start(harmless);
  victim = child.pid;
  const confined = new Uint8Array(1);
  const end = Date.now() + limit(5000);
  while (confined[0] !== 1) {
    raw.processVmRead(victim, child.address('confined'), confined);
    if (Date.now() > end) throw new Error('the filter is not installed');
  }
  raw.seize(victim);
  raw.interrupt(victim);
  expect(next(victim)).toBe(EVENT_STOP);
  return victim;
}

// --- Arguments ---

const MAX_PID = 4194304;

/** Whether a value could be taken for the id of somebody: a process, a thread, this process itself. */
const couldBeSomebody = (value: unknown): boolean =>
  typeof value === 'number' && value > -1 - MAX_PID && value <= MAX_PID;
const OWN = Symbol('the tracee');

const nobody = fc
  .oneof(anything, fc.integer({ min: MAX_PID + 1, max: 2 ** 31 - 1 }))
  .filter((v) => !couldBeSomebody(v));
const tid = fc.oneof({ arbitrary: nobody, weight: 2 }, { arbitrary: fc.constant(OWN), weight: 3 });
const signal = fc.oneof(fc.integer({ min: 0, max: 64 }), fc.constantFrom('SIGUSR1', 'SIGRTMIN+3', 'SIGCONT'), anything);
const word = fc.oneof(edges, fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), anything);
const buffer = fc.oneof({ arbitrary: buffers, weight: 4 }, { arbitrary: anything, weight: 1 });
const small = fc.oneof(fc.integer({ min: 0, max: 40 }), edges, anything);

const optional = (arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary, weight: 4 }, { arbitrary: fc.constant(undefined), weight: 1 });
const bag = (shape: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: fc.record(shape, { requiredKeys: [] }), weight: 3 }, { arbitrary: anything, weight: 1 });

/** Flags of a wait that does not block: WNOHANG wherever the value could be taken for flags. */
const nohang = anything.map((value) => {
  if (value === undefined) return W.WNOHANG;
  return typeof value === 'number' && ((value | 0) === value || value >>> 0 === value)
    ? (value | W.WNOHANG) >>> 0
    : value;
});
const waitFlags = fc.oneof(
  nohang,
  fc.constantFrom(W.WNOHANG, W.WNOHANG | W.__WALL, W.WNOHANG | W.WSTOPPED | W.WEXITED),
);
const asyncFlags = fc.oneof(anything, fc.constantFrom(0, W.__WALL, W.WEXITED, W.WSTOPPED | W.WEXITED));
const extras = optional(bag({ rusage: fc.oneof(fc.boolean(), anything) }));
const asyncExtras = optional(
  bag({
    rusage: optional(fc.boolean()),
    signal: optional(anything),
    unref: optional(fc.oneof(fc.boolean(), anything)),
  }),
);
// P_PGID, P_ALL and any of them by wait4 would find the tracee too; only its own statuses can be there.
const idtype = fc.oneof(fc.constantFrom(0, 1, 2, 3), anything);
/** A descriptor that is none. */
const noFd = anything.filter((value) => !(typeof value === 'number' && value > -1 && value < 1_000_000));

const known = [...Object.values(PTRACE), ...Object.values(PTRACE_X64)];
const requestNumber = fc.oneof(fc.constantFrom(...known), edges, anything);
const requestArgument = fc.oneof(word, buffer, fc.constant(null));
const segments = fc.oneof(fc.array(bag({ address: word, length: small }), { maxLength: 4 }), anything);

type Arguments = readonly fc.Arbitrary<unknown>[];

/** What each function is called with. */
const functions: Readonly<Record<string, Arguments>> = {
  archPrctlGet: [tid, fc.oneof(fc.constantFrom(...Object.values(raw.ARCH)), anything)],
  archPrctlSet: [tid, fc.oneof(fc.constantFrom(...Object.values(raw.ARCH)), anything), word],
  attach: [tid],
  closePidfd: [noFd],
  cont: [tid, optional(signal)],
  detach: [tid, optional(signal)],
  explainFailure: [fc.oneof(requestNumber, small), tid, fc.oneof(fc.integer({ min: 1, max: 133 }), anything)],
  getEventMessage: [tid],
  getFilter: [tid, small],
  getFilterLength: [tid, small],
  getFpRegs: [tid, optional(buffer)],
  getMetadata: [tid, small],
  getRegs: [tid, optional(buffer)],
  getRegset: [tid, fc.oneof(fc.constantFrom(1, 2, 0x202, 0x204, 0x404), anything), optional(buffer)],
  getRegsetInto: [tid, fc.oneof(fc.constantFrom(1, 2, 0x202, 0x204, 0x404), anything), buffer],
  getRseqConfiguration: [tid],
  getSiginfo: [tid],
  getSiginfoInto: [tid, buffer],
  getSigmask: [tid],
  getSyscallInfo: [tid],
  getSyscallInfoInto: [tid, buffer],
  getSyscallUserDispatch: [tid],
  getThreadArea: [tid, small],
  getcpu: [anything],
  getpgid: [tid],
  gettid: [anything],
  interrupt: [tid],
  kill: [tid, signal],
  killGroup: [tid, signal],
  listen: [tid],
  oldSetOptions: [tid, small],
  peekData: [tid, word],
  peekMteTags: [tid, word, buffer],
  peekSiginfo: [tid, optional(bag({ offset: word, shared: fc.oneof(fc.boolean(), anything), count: small }))],
  peekText: [tid, word],
  peekUser: [tid, word],
  // Only what does not change this process: to ask, and what is refused.
  personality: [
    fc.oneof(
      fc.constant(0xffff_ffff),
      anything.filter((value) => value !== undefined && !(typeof value === 'number' && value >>> 0 === value)),
    ),
  ],
  pidfdOpen: [tid, optional(small)],
  pidfdSendSignal: [noFd, signal, optional(fc.oneof(buffer, fc.constant(null))), optional(small)],
  pokeData: [tid, word, word],
  pokeMteTags: [tid, word, buffer],
  pokeText: [tid, word, word],
  pokeUser: [tid, word, word],
  processVmRead: [tid, word, buffer, optional(small), optional(small)],
  processVmReadv: [tid, fc.oneof(fc.array(buffer, { maxLength: 4 }), anything), segments],
  processVmWrite: [tid, word, buffer, optional(small), optional(small)],
  processVmWritev: [tid, fc.oneof(fc.array(buffer, { maxLength: 4 }), anything), segments],
  ptraceKill: [tid],
  rawAttached: [anything],
  request: [requestNumber, tid, requestArgument, requestArgument],
  rtSigqueueinfo: [tid, signal, buffer],
  rtTgsigqueueinfo: [tid, tid, signal, buffer],
  run: [anything, optional(anything)],
  schedGetaffinity: [tid],
  schedSetaffinity: [tid, fc.oneof(fc.array(small, { maxLength: 4 }), anything)],
  script: [anything],
  seize: [tid, optional(small)],
  setFpRegs: [tid, buffer],
  setOptions: [tid, small],
  setRegs: [tid, buffer],
  setRegset: [tid, fc.oneof(fc.constantFrom(1, 2, 0x202, 0x204, 0x404), anything), buffer],
  setSiginfo: [tid, buffer],
  setSigmask: [tid, word],
  setSyscallInfo: [tid, buffer],
  setSyscallUserDispatch: [tid, bag({ mode: word, selector: word, offset: word, length: word })],
  setThreadArea: [tid, small, buffer],
  setpgid: [tid, tid],
  singleblock: [tid, optional(signal)],
  singlestep: [tid, optional(signal)],
  // With a file that there is, a process would be started.
  spawnHeld: [bag({ file: anything.map((value) => (typeof value === 'string' ? `/nowhere/${value}` : value)) })],
  start: [anything, optional(anything)],
  syscall: [tid, optional(signal)],
  sysemu: [tid, optional(signal)],
  sysemuSinglestep: [tid, optional(signal)],
  tgkill: [tid, tid, signal],
  wait4: [tid, waitFlags, extras],
  wait4Async: [tid, asyncFlags, asyncExtras],
  wait4Into: [tid, waitFlags, fc.oneof(fc.constant(new Int32Array(1)), buffer)],
  waitid: [idtype, tid, waitFlags, extras],
  waitidAsync: [idtype, tid, asyncFlags, asyncExtras],
};

/** Not to be called here at all: it would make this process the tracee of its parent. */
const leftOut = ['traceme'];

// --- The property ---

const unsettled = new Map<Promise<unknown>, string>();

/** Calls, and judges. Promises are judged at the end: what waits for the tracee is over when that is. */
function attempt(what: string, values: readonly unknown[], call: () => unknown): void {
  try {
    const result = call();
    if (result instanceof Promise) unsettled.set(result, `${what}(${fc.stringify(values)})`);
    undo[what]?.(result);
  } catch (error) {
    if (!isPtraceError(error)) throw error;
  }
}

/** What takes back a call that succeeded. */
const undo: Readonly<Record<string, (result: unknown) => void>> = {
  pidfdOpen: (pidfd) => {
    raw.closePidfd(pidfd as number);
  },
  spawnHeld: (held) => {
    const child = held as raw.HeldChild;
    child.cancel();
    finish(child.pid);
    child.free();
  },
};

const api = raw as unknown as Readonly<Record<string, (...args: unknown[]) => unknown>>;

afterAll(async () => {
  if (victim !== 0) finish(victim);
  victim = 0;
  const ended = [...unsettled].map(async ([promise, what]) => {
    try {
      await promise;
    } catch (error) {
      if (!isPtraceError(error)) throw new Error(what, { cause: error });
    }
    unsettled.delete(promise);
  });
  const late = delay(limit(10_000), undefined, { ref: false }).then(() => {
    throw new Error(`not settled: ${[...unsettled.values()].slice(0, 5).join('; ')}`);
  });
  await Promise.race([Promise.all(ended), late]);
});

describe('arbitrary values', () => {
  it('reach every function of raw/', () => {
    const all = Object.entries(raw)
      .filter(([, value]) => typeof value === 'function' && !/^class\b/.test(Function.prototype.toString.call(value)))
      .map(([name]) => name);
    expect([...Object.keys(functions), ...leftOut].sort()).toEqual(all.sort());
  });

  for (const [name, args] of Object.entries(functions)) {
    it(name, { timeout: limit(60_000 + 100 * RUNS) }, () => {
      fc.assert(
        fc.property(fc.tuple(...args), fc.nat({ max: args.length }), (values, missing) => {
          const own = values.includes(OWN) ? tracee() : 0;
          const given = values.map((value) => (value === OWN ? own : realize(value)));
          // Now and then the last arguments are missing; where that means a default, the default must be harmless.
          const harmlessDefault = !['wait4', 'wait4Into', 'waitid', 'personality'].includes(name);
          attempt(name, values, () => api[name]?.(...(missing === 0 && harmlessDefault ? given.slice(0, -1) : given)));
        }),
        { numRuns: RUNS, seed: SEED },
      );
    });
  }

  it('every method of a script', { timeout: limit(60_000 + 100 * RUNS) }, () => {
    const methods = Object.getOwnPropertyNames(raw.ChildScript.prototype).filter(
      (name) =>
        name !== 'constructor' &&
        typeof Object.getOwnPropertyDescriptor(raw.ChildScript.prototype, name)?.value === 'function' &&
        name !== 'assemble',
    );
    expect(methods.length).toBeGreaterThan(30);
    fc.assert(
      fc.property(
        fc.constantFrom(...methods),
        fc.array(fc.oneof(anything, small, signal), { maxLength: 5 }),
        (name, values) => {
          const program = raw.script() as unknown as Readonly<Record<string, (...args: unknown[]) => unknown>>;
          attempt(name, values, () =>
            program[name]?.(...values.map(realize).map((v) => (typeof v === 'function' ? () => undefined : v))),
          );
        },
      ),
      { numRuns: 20 * RUNS, seed: SEED },
    );
  });
});

it('this process is as it was', () => {
  expect(raw.gettid()).toBe(process.pid);
  expect(procStatus(process.pid)).toMatchObject({ tracerPid: 0, sigPnd: 0n });
});
