/** What several of the tracer's tests need: seccomp filters, machine code, layers that count what goes to the kernel. */
import { binding } from '../../lib/binding.js';
import { type ChildScript, script, type ScriptChild } from '../../lib/raw/child.js';
import { type KernelLayer, useKernelLayer } from '../../lib/raw/kernel-layer.js';
import { syscallNumber } from '../../lib/kernel/syscalls.js';
import {
  isEnd,
  type NextStop,
  type ResumeMode,
  type Stop,
  type Tracee,
  Tracer,
  type TracerOptions,
} from '../../lib/tracer/index.js';
import { attachOne, child, describeStop, newTracer, pauser, stateOf, until, within } from '../helpers/tracing.js';

/** The number of a system call of this machine. */
export function nr(name: string): number {
  const number = syscallNumber(process.arch === 'arm64' ? 'aarch64' : 'x86_64', name);
  if (number === undefined) throw new Error(`no system call ${name} on ${process.arch}`);
  return number;
}

/** Verdicts of a seccomp filter. */
export const RET = {
  ALLOW: 0x7fff0000,
  trace: (data: number): number => 0x7ff00000 | data,
  trap: (data: number): number => 0x00030000 | data,
  errno: (error: number): number => 0x00050000 | error,
  KILL_PROCESS: 0x80000000,
} as const;

/** A seccomp filter: a verdict for each of some system calls, all others are allowed. */
export function seccompFilter(verdicts: Readonly<Record<string, number>>): Uint8Array {
  const instructions: [code: number, jt: number, jf: number, k: number][] = [[0x20, 0, 0, 0]];
  for (const [name, verdict] of Object.entries(verdicts)) {
    instructions.push([0x15, 0, 1, nr(name)], [0x06, 0, 0, verdict]);
  }
  instructions.push([0x06, 0, 0, RET.ALLOW]);
  const view = new DataView(new ArrayBuffer(8 * instructions.length));
  for (const [index, [code, jt, jf, k]] of instructions.entries()) {
    view.setUint16(8 * index, code, true);
    view.setUint8(8 * index + 2, jt);
    view.setUint8(8 * index + 3, jf);
    view.setUint32(8 * index + 4, k, true);
  }
  return new Uint8Array(view.buffer);
}

/** Repeats one system call for ever. */
export const caller =
  (name: string, ...args: number[]) =>
  (s: ChildScript): unknown =>
    s.syscall(name, ...args);

/** A layer over the kernel's that notes each request, and may answer some itself. */
export interface WatchedLayer {
  readonly layer: KernelLayer;
  /** The requests in their order. */
  readonly requests: { readonly request: number; readonly tid: number; readonly data: unknown }[];
  /** How often a request was made since the last {@link WatchedLayer.forget}. */
  count(request: number): number;
  forget(): void;
}

/**
 * Answers for a request in the kernel's place: undefined lets it through.
 */
export type Answer = (request: number, tid: number) => number | undefined;

export function watchedLayer(answer: Answer = () => undefined): WatchedLayer {
  const real = binding();
  const requests: { request: number; tid: number; data: unknown }[] = [];
  const watched =
    <Rest extends [addr: unknown, data: unknown]>(call: (request: number, tid: number, ...rest: Rest) => number) =>
    (request: number, tid: number, ...rest: Rest): number => {
      requests.push({ request, tid, data: rest[1] });
      return answer(request, tid) ?? call(request, tid, ...rest);
    };
  const layer: KernelLayer = {
    ...real,
    ptrace: watched(real.ptrace.bind(real)),
    ptraceBuffer: watched(real.ptraceBuffer.bind(real)),
    ptraceIovec: watched(real.ptraceIovec.bind(real)),
    ptraceTwoBuffers: watched(real.ptraceTwoBuffers.bind(real)),
  };
  return {
    layer,
    requests,
    count: (request) => requests.filter((made) => made.request === request).length,
    forget: () => {
      requests.length = 0;
    },
  };
}

/** Runs a body on another layer; all that the body traces must be let go in it. */
export async function onLayer<T>(layer: KernelLayer, body: () => Promise<T>): Promise<T> {
  const former = useKernelLayer(layer);
  try {
    return await body();
  } finally {
    useKernelLayer(former);
  }
}

/** Puts a tracee that stands at a breakpoint instruction behind it, as x86 does by itself. */
export function passTrap(tracee: Tracee): void {
  const { stop } = tracee;
  if (process.arch === 'arm64' && stop?.kind === 'breakpoint' && !stop.hardware)
    tracee.registers.pc = stop.address + 4n;
}

/** Resumes a tracee until a stop of a kind comes; others are resumed as they are. */
export async function runTo<K extends Stop['kind']>(
  tracee: Tracee,
  kind: K,
  mode: ResumeMode = 'cont',
): Promise<Extract<Stop, { kind: K }>> {
  const seen: string[] = [];
  for (;;) {
    passTrap(tracee);
    const stop: Stop = await within(tracee.resume(mode), () => `a ${kind} stop after ${seen.join(', ') || 'nothing'}`);
    if (stop.kind === kind) return stop as Extract<Stop, { kind: K }>;
    seen.push(describeStop(stop));
    if (isEnd(stop)) throw new Error(`no ${kind} stop but ${seen.join(', ')}`);
    if (seen.length > 1000) throw new Error(`no ${kind} stop in 1000: ${seen.slice(-20).join(', ')}`);
  }
}

/** All stops of a tracer in their order, each handled by the loop's default unless the body does something. */
export async function collect(tracer: Tracer, body: (stop: Stop) => unknown = () => undefined): Promise<Stop[]> {
  const stops: Stop[] = [];
  for await (const stop of tracer) {
    stops.push(stop);
    await body(stop);
  }
  return stops;
}

/** A child that has come to its pause: what is sent to it from now on meets the dispositions of its script. */
export async function paused(started: ScriptChild = child(pauser())): Promise<number> {
  await until(() => stateOf(started.pid) === 'S', 'it pauses');
  return started.pid;
}

/** An attached child that begins to play its part at {@link HeldPart.go}. */
export interface HeldPart {
  readonly started: ScriptChild;
  readonly tracer: Tracer;
  readonly tracee: Tracee;
  /** Lets it play. */
  readonly go: (mode?: ResumeMode) => NextStop;
  /** One of its words, now. */
  readonly word: (name: string) => bigint;
}

/** Attaches to a child in front of its part. */
export async function held(part: (s: ChildScript) => unknown, options?: TracerOptions | Tracer): Promise<HeldPart> {
  const made = script().store('at the gate', 1).waitUntil('go', '!=', 0);
  part(made);
  const started = child(made);
  // What it does before its script is over: a wait for a system call meets none of that.
  const word = new BigUint64Array(1);
  await until(() => {
    binding().processVmRead(started.pid, started.address('at the gate'), word, 0, 8);
    return word[0] === 1n;
  }, 'the gate');
  const tracer = options instanceof Tracer ? options : newTracer(options);
  const tracee = await attachOne(tracer, started.pid);
  return {
    started,
    tracer,
    tracee,
    go(mode) {
      tracee.memory.write(started.address('go'), Uint8Array.of(1));
      return tracee.resume(mode);
    },
    word: (name) => Buffer.from(tracee.memory.read(started.address(name), 8).bytes).readBigUInt64LE(),
  };
}
