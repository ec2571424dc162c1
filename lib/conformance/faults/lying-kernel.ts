/**
 * A kernel that lies: a layer over the real one, in which one rule of ptrace(2) or of the waits is broken. Scenarios that are worth anything notice.
 */
import { binding, type Bytes, type Word } from '../../binding.js';
import { PTRACE_EVENT } from '../../kernel/events.js';
import { PTRACE } from '../../kernel/requests.js';
import { decodeWaitStatus, type WaitStatus } from '../../kernel/wait-status.js';
import type { KernelLayer } from '../../raw/kernel-layer.js';

/** A request on its way to the kernel. */
export interface Call {
  request: number;
  readonly tid: number;
  addr: Word;
  data: Word;
  /** What `data` points to. */
  readonly bytes: Uint8Array | undefined;
}

/** What is known of a task: enough to lie about it. */
export interface Task {
  readonly tid: number;
  /** How it came to be traced; a task that came by itself counts as `auto`. */
  how: 'seized' | 'attached' | 'auto';
  options: number;
  /** The stop it stands in, as far as a wait has told. */
  stop: WaitStatus | undefined;
  listening: boolean;
  /** An INTERRUPT that no trap has answered yet. */
  interrupted: boolean;
  /** Room for a fault's own memory. */
  count: number;
}

/** A fault. `undefined` from {@link Liar.found} hides the report, and the tracee stays as it is. */
export interface Liar {
  /** In the place of a request: what it gives, a result or a negative errno. `pass` makes it, as it is in `call` by then. */
  request?(call: Call, pass: () => number, task: Task, kernel: KernelLayer): number;
  /** In the place of a status that wait4(2) has consumed. */
  found?(status: number, task: Task, kernel: KernelLayer): number | undefined;
  /** In the place of a whole wait4(2): its result; `out` takes the status. */
  wait?(pid: number, options: number, out: Int32Array, pass: () => number, tasks: ReadonlyMap<number, Task>): number;
  /** Changes the options of a waitid(2). */
  waitidOptions?(options: number): number;
}

export interface Fault {
  readonly id: string;
  /** What is wrong with this kernel. */
  readonly title: string;
  /** A fresh one for every scenario. */
  make(): Liar;
}

const RESUMING: ReadonlySet<number> = new Set([
  PTRACE.CONT,
  PTRACE.SYSCALL,
  PTRACE.SINGLESTEP,
  PTRACE.DETACH,
  31, // SYSEMU, SYSEMU_SINGLESTEP
  32,
  33, // SINGLEBLOCK
]);

const asNumber = (word: Word): number => Number(BigInt.asIntN(32, BigInt(word)));

export const isEventStop = (status: WaitStatus | undefined): boolean =>
  status?.kind === 'event' && status.event === PTRACE_EVENT.STOP;

/** A status word of a stop. */
export const stopWord = (signal: number, event = 0): number => (event << 16) | (signal << 8) | 0x7f;

function bytesOf(bytes: Bytes): Uint8Array {
  return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
}

/** Puts a fault over the kernel. */
export function lyingKernel(fault: Fault): KernelLayer {
  const kernel = binding();
  const liar = fault.make();
  const tasks = new Map<number, Task>();
  const taskOf = (tid: number): Task => {
    let task = tasks.get(tid);
    if (task === undefined) {
      task = { tid, how: 'auto', options: 0, stop: undefined, listening: false, interrupted: false, count: 0 };
      tasks.set(tid, task);
    }
    return task;
  };

  /** What a request that succeeded has made of the task. */
  const note = ({ request, data }: Call, task: Task): void => {
    if (request === PTRACE.SEIZE || request === PTRACE.ATTACH) {
      task.how = request === PTRACE.SEIZE ? 'seized' : 'attached';
      task.options = request === PTRACE.SEIZE ? asNumber(data) : 0;
      task.stop = undefined;
    } else if (request === PTRACE.SETOPTIONS) task.options = asNumber(data);
    else if (request === PTRACE.LISTEN) task.listening = true;
    else if (request === PTRACE.INTERRUPT) task.interrupted = true;
    else if (RESUMING.has(request)) task.stop = undefined;
  };

  const through = (call: Call, real: (call: Call) => number): number => {
    const task = taskOf(call.tid);
    const asked: Call = { ...call };
    const pass = (): number => real(call);
    const result = liar.request === undefined ? pass() : liar.request(call, pass, task, kernel);
    if (result >= 0) note(asked, task);
    return result;
  };

  return {
    ...kernel,
    ptrace: (request, tid, addr, data) =>
      through({ request, tid, addr, data, bytes: undefined }, (call) =>
        kernel.ptrace(call.request, tid, call.addr, call.data),
      ),
    ptraceBuffer: (request, tid, addr, data) =>
      through({ request, tid, addr, data: 0, bytes: bytesOf(data) }, (call) =>
        kernel.ptraceBuffer(call.request, tid, call.addr, data),
      ),
    ptraceIovec: (request, tid, addr, data) =>
      through({ request, tid, addr, data: 0, bytes: bytesOf(data) }, (call) =>
        kernel.ptraceIovec(call.request, tid, call.addr, data),
      ),
    ptraceTwoBuffers: (request, tid, addr, data) =>
      through({ request, tid, addr: 0, data: 0, bytes: typeof data === 'object' ? bytesOf(data) : undefined }, () =>
        kernel.ptraceTwoBuffers(request, tid, addr, data),
      ),
    wait4: (pid, options, status, rusage) => {
      const pass = (): number => kernel.wait4(pid, options, status, rusage);
      const tid = liar.wait === undefined ? pass() : liar.wait(pid, options, status, pass, tasks);
      if (tid <= 0) return tid;
      const task = taskOf(tid);
      const word = status[0] ?? 0;
      const decoded = decodeWaitStatus(word);
      const told = liar.found === undefined ? word : liar.found(word, task, kernel);
      task.stop = decoded.kind === 'exited' || decoded.kind === 'killed' ? undefined : decoded;
      task.listening = false;
      task.interrupted = false;
      if (told === undefined) return 0;
      status[0] = told;
      return tid;
    },
    waitid: (idtype, id, options, siginfo, rusage) =>
      kernel.waitid(idtype, id, liar.waitidOptions?.(options) ?? options, siginfo, rusage),
  };
}
