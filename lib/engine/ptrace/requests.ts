/** What a client's requests come to. Those in a stop are answered by the kernel, but for what is another client's or a made-up stop's. */
import { binding, type Bytes, type Word } from '../../binding.js';
import { ERRNO } from '../../kernel/errno.js';
import { PTRACE_EVENT } from '../../kernel/events.js';
import { PTRACE_O_MASK } from '../../kernel/options.js';
import { PTRACE_X64 } from '../../kernel/arch/x64/requests.js';
import { PTRACE, STRUCT_SIZE } from '../../kernel/requests.js';
import { encodeSiginfo } from '../../kernel/siginfo.js';
import { SIG } from '../../kernel/signals.js';
import { procStatus } from '../../proc.js';
import { scaledMillis } from '../../time-scale.js';
import { HOST } from '../../tracer/host.js';
import type { Attachment } from './attachment.js';
import type { Client } from './client.js';
import { SINGLEBLOCK, SYSEMU, SYSEMU_SINGLESTEP } from './ground.js';
import { PTRACE_JOBCTL_CONT } from './jobctl-cont.js';
import { eventOf, signalOf } from './stops.js';
import { KERNEL_OPTIONS, type VirtualThread } from './virtual-thread.js';

const RESUMING: ReadonlySet<number> = new Set([
  PTRACE.CONT,
  PTRACE.SYSCALL,
  PTRACE.SINGLESTEP,
  SINGLEBLOCK,
  SYSEMU,
  SYSEMU_SINGLESTEP,
]);
/** The old number of SETOPTIONS. */
const OLDSETOPTIONS = HOST === 'x64' ? PTRACE_X64.OLDSETOPTIONS : -1;
const PATIENCE_MILLIS = 1000;
const LAST_SIGNAL = 64;
const SYSGOOD = 0x80;
/** offsetof(struct ptrace_syscall_info, entry): what an answer without a system call has. */
const INFO_HEAD = 24;

const asNumber = (word: Word): number => Number(BigInt.asIntN(32, BigInt(word)));

/** A word that is not 32 bits wide names no signal, no option. */
const inRange = (word: Word, most: number): boolean => BigInt(word) >= 0n && BigInt(word) <= BigInt(most);

const bytesOf = (bytes: Bytes): Uint8Array =>
  new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);

export class Requests {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  get #kernel() {
    return this.#client.host.ground.kernel;
  }

  /** The tracee in a stop, or a negative errno. What has happened meanwhile is taken first. */
  #stopped(tid: number): Attachment | number {
    let attachment = this.#find(tid);
    if (attachment?.isStopped !== true) {
      this.#client.host.pump();
      attachment = this.#find(tid);
    }
    if (attachment?.isStopped !== true) return -ERRNO.ESRCH;
    const { stop } = attachment;
    return stop?.unexpected === true && !stop.reported ? -ERRNO.ESRCH : attachment;
  }

  #find(tid: number): Attachment | undefined {
    return this.#client.attachment(tid) ?? this.#client.adopt(tid);
  }

  /** Whether a tid is nobody's here: the kernel answers. */
  #isForeign(tid: number): boolean {
    return this.#find(tid) === undefined && this.#client.host.find(tid) === undefined;
  }

  words(request: number, tid: number, addr: Word, data: Word): number {
    if (request === PTRACE.TRACEME) return this.#kernel.ptrace(request, tid, addr, data);
    if (request === PTRACE.SEIZE || request === PTRACE.ATTACH) return this.#attach(request, tid, addr, data);
    if (this.#isForeign(tid)) return this.#kernel.ptrace(request, tid, addr, data);
    if (request === PTRACE.INTERRUPT) return this.#client.attachment(tid)?.interrupt() ?? -ERRNO.ESRCH;
    if (request === PTRACE.KILL) return this.#kill(tid);
    const waiting = this.#client.attachment(tid);
    if (request === PTRACE.CONT && waiting?.awaitsJobControl === true) waiting.comeBack();
    const found = this.#stopped(tid);
    if (typeof found === 'number') return found;
    if (RESUMING.has(request)) return this.#resume(found, request, data);
    switch (request) {
      case PTRACE_JOBCTL_CONT: {
        const result = this.#resume(found, PTRACE.LISTEN, 0);
        if (result >= 0 && !found.isStopped) found.awaitsJobControl = true;
        return result;
      }
      case PTRACE.DETACH:
      case PTRACE.LISTEN:
        return this.#resume(found, request, request === PTRACE.LISTEN ? 0 : data);
      case PTRACE.SETOPTIONS:
      case OLDSETOPTIONS:
        return this.#setOptions(found, data);
      case PTRACE.POKETEXT:
      case PTRACE.POKEDATA:
        return this.#client.host
          .breakpoints(found.at.thread.pid)
          .poke(this.#client, tid, BigInt.asUintN(64, BigInt(addr)), BigInt(data));
      default: {
        found.at.thread.flush();
        const result = this.#kernel.ptrace(request, tid, addr, data);
        if (WRITING.has(request)) found.at.thread.changedBehind();
        return result;
      }
    }
  }

  #resume(attachment: Attachment, request: number, data: Word): number {
    if (!inRange(data, LAST_SIGNAL)) return -ERRNO.EIO;
    const { host } = this.#client;
    return host.moving(attachment.at, () => attachment.resume(request, asNumber(data)));
  }

  #kill(tid: number): number {
    const attachment = this.#client.attachment(tid);
    if (attachment === undefined) return -ERRNO.ESRCH;
    binding().tgkill(attachment.at.thread.pid, attachment.tid, SIG.SIGKILL);
    return 0;
  }

  #attach(request: number, tid: number, addr: Word, data: Word): number {
    const { host } = this.#client;
    const seizes = request === PTRACE.SEIZE;
    const options = seizes ? asNumber(data) : 0;
    const known = seizes
      ? BigInt(addr) === 0n && inRange(data, PTRACE_O_MASK) && (options & ~PTRACE_O_MASK) === 0
      : true;
    // What is wrong in itself fails whoever the task is.
    if (!known) return this.#kernel.ptrace(request, tid, addr, data);
    if (this.#find(tid) !== undefined) return -ERRNO.EPERM;
    const shared = host.find(tid);
    const status = procStatus(tid);
    if (shared === undefined) {
      const traced = (status?.tracerPid ?? 0) !== 0;
      if (status === undefined || traced || 'ZX'.includes(status.state) || status.tgid === process.pid) {
        return this.#kernel.ptrace(request, tid, addr, data);
      }
    } else if (shared.endStatus !== undefined) return -ERRNO.EPERM;
    const made = host.attachTo(this.#client, tid, { seized: seizes, options });
    if (typeof made === 'number') return made;
    if ((options & KERNEL_OPTIONS) !== 0) {
      const result = this.#kernelOptions(made.at);
      if (result < 0) {
        host.left(made);
        made.engine?.control(6);
        return result;
      }
    }
    if (!seizes) made.send('attach');
    if (shared !== undefined && (shared.groupSignal !== 0 || shared.listens)) made.meetGroupStop();
    return 0;
  }

  #setOptions(attachment: Attachment, data: Word): number {
    if (!inRange(data, PTRACE_O_MASK)) return -ERRNO.EINVAL;
    const options = asNumber(data);
    if ((options & ~PTRACE_O_MASK) !== 0) return -ERRNO.EINVAL;
    const before = attachment.options;
    if (((options | before) & KERNEL_OPTIONS) !== 0) {
      attachment.options = options;
      const result = this.#kernelOptions(attachment.at);
      if (result < 0) {
        attachment.options = before;
        return result;
      }
    }
    attachment.setOptions(options);
    return 0;
  }

  /** Options that the kernel itself has to know have changed. */
  #kernelOptions(at: VirtualThread): number {
    const { host } = this.#client;
    const result = host.ground.layer.ptrace(PTRACE.SETOPTIONS, at.tid, 0, at.thread.realOptions);
    if (result !== -ERRNO.ESRCH) return result;
    // It runs: they are set in a stop that nobody hears of.
    at.optionsDue = true;
    at.sendInterrupt();
    const begin = performance.now();
    while (at.optionsDue && performance.now() - begin < scaledMillis(PATIENCE_MILLIS)) host.pump();
    return 0;
  }

  /** A request that the kernel answers, in a stop. */
  standing(tid: number, request: number, ask: () => number): number {
    if (this.#isForeign(tid)) return ask();
    const found = this.#stopped(tid);
    if (typeof found === 'number') return found;
    found.at.thread.flush();
    const result = ask();
    if (WRITING.has(request)) found.at.thread.changedBehind();
    // SIGKILL has ended the stop: no later request is to find the one at the exit in its place.
    if (result === -ERRNO.ESRCH) found.at.cancel();
    return result;
  }

  buffer(request: number, tid: number, addr: Word, data: Bytes): number {
    const ask = (into: Bytes = data): number => this.#kernel.ptraceBuffer(request, tid, addr, into);
    if (this.#isForeign(tid)) return ask();
    const found = this.#stopped(tid);
    if (typeof found === 'number') return found;
    const { stop } = found;
    if (stop === undefined) return -ERRNO.ESRCH;
    switch (request) {
      case PTRACE.GETEVENTMSG:
        if (stop.real) break;
        bytesOf(data).fill(0, 0, 8);
        return 0;
      case PTRACE.PEEKTEXT:
      case PTRACE.PEEKDATA: {
        const result = ask();
        const { host } = this.#client;
        const address = BigInt.asUintN(64, BigInt(addr));
        if (result >= 0) host.breakpoints(found.at.thread.pid).hide(this.#client, address, bytesOf(data));
        return result;
      }
      case PTRACE.GETSIGINFO:
        return this.#getSiginfo(found, data, ask);
      case PTRACE.SETSIGINFO:
        if (stop.kind === 'group') return -ERRNO.EINVAL;
        if (stop.siginfo !== undefined) stop.siginfo.set(bytesOf(data).subarray(0, STRUCT_SIZE.SIGINFO));
        if (!stop.real || stop.siginfo !== undefined) return 0;
        break;
      case PTRACE.GET_SYSCALL_INFO:
        return this.#syscallInfo(found, addr, data, ask);
      case PTRACE.SET_SYSCALL_INFO:
        if (!this.#knowsCall(found)) return -ERRNO.EINVAL;
        break;
    }
    found.at.thread.flush();
    const result = ask();
    if (WRITING.has(request)) found.at.thread.changedBehind();
    // SIGKILL has ended the stop: no later request is to find the one at the exit in its place.
    if (result === -ERRNO.ESRCH) found.at.cancel();
    return result;
  }

  #getSiginfo({ stop, at }: Attachment, data: Bytes, ask: () => number): number {
    if (stop === undefined || stop.kind === 'group') return -ERRNO.EINVAL;
    if (!stop.real) {
      const status = procStatus(at.tid);
      const signal = signalOf(stop.status);
      const code = signal | (PTRACE_EVENT.STOP << 8);
      bytesOf(data).set(encodeSiginfo({ signal, code, pid: at.tid, uid: status?.uids[0] ?? 0 }));
      return 0;
    }
    if (stop.siginfo !== undefined) {
      bytesOf(data).set(stop.siginfo);
      return 0;
    }
    const result = ask();
    // The code is the stop's, which tells whether the client has asked for TRACESYSGOOD.
    if (result >= 0 && stop.kind === 'syscall') {
      const bytes = bytesOf(data);
      new DataView(bytes.buffer, bytes.byteOffset).setInt32(8, signalOf(stop.status), true);
    }
    return result;
  }

  /** Whether the kernel would take this client's stop for one at a system call. */
  #knowsCall({ stop }: Attachment): boolean {
    if (stop?.real !== true) return false;
    if (stop.kind === 'syscall') return (signalOf(stop.status) & SYSGOOD) !== 0;
    return stop.kind === 'event' && eventOf(stop.status) === PTRACE_EVENT.SECCOMP;
  }

  #syscallInfo(attachment: Attachment, size: Word, data: Bytes, ask: (into?: Bytes) => number): number {
    if (this.#knowsCall(attachment)) return ask();
    const room = new Uint8Array(Math.max(INFO_HEAD, data.byteLength));
    const result = ask(room);
    if (result < 0) return result;
    room[0] = 0;
    const length = Math.min(INFO_HEAD, Number(size), data.byteLength);
    bytesOf(data).set(room.subarray(0, length));
    return INFO_HEAD;
  }
}

/** Requests after which the engines have to read registers and siginfo anew. */
const WRITING: ReadonlySet<number> = new Set([
  PTRACE.SETREGSET,
  PTRACE.SETSIGINFO,
  PTRACE.POKEUSER,
  PTRACE.SET_SYSCALL_INFO,
  PTRACE_X64.SETREGS,
  PTRACE_X64.SETFPREGS,
]);
