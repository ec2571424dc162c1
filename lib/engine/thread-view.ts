/** What is to be seen of a thread while it stands: registers, system call, siginfo, memory. Read when first asked for, written back once. */
import { badInput, fromErrno, refused } from '../errors.js';
import { abiOfAuditArch } from '../kernel/audit-arch.js';
import { Arm64Registers } from '../kernel/arch/arm64/registers.js';
import type { Abi } from '../kernel/arch/host.js';
import { X64Registers } from '../kernel/arch/x64/registers.js';
import { ERRNO } from '../kernel/errno.js';
import { registersFrom, type Registers } from '../kernel/registers.js';
import { NT } from '../kernel/regsets.js';
import { PTRACE } from '../kernel/requests.js';
import { syscallName } from '../kernel/syscalls.js';
import { nameOfRequest, requestFailed } from '../raw/failure.js';
import type { KernelLayer } from '../raw/kernel-layer.js';
import { HOST } from '../tracer/host.js';
import { OP } from '../tracer/syscall-words.js';

const REGISTER_BYTES = HOST === 'x64' ? X64Registers.SIZE : Arm64Registers.SIZE;
const four = new Int32Array(1);

/** The system call that a thread enters or leaves. **Valid until the thread goes on**: the next stop uses the same memory. */
export interface SyscallView {
  /** Number of the call at the entry, the one in the registers if an engine has changed it. -1 at the exit. */
  readonly number: number;
  /** Its name in the table of its ABI, or `syscall_N`. */
  readonly name: string;
  /** One of AUDIT_ARCH. */
  readonly arch: number;
  readonly abi: Abi | 'unknown';
  /** Argument 0 to 5 at the entry. */
  arg(index: number): bigint;
  /** The result at the exit: a value or a negative errno. */
  readonly result: bigint;
  readonly isError: boolean;
  /** SECCOMP_RET_DATA at a seccomp stop. */
  readonly retData: number;
  setNumber(number: number): void;
  setArg(index: number, value: bigint | number): void;
  setResult(value: bigint | number): void;
}

export class ThreadView implements SyscallView {
  tid: number;
  readonly #layer: KernelLayer;
  readonly #info = new BigUint64Array(11);
  readonly #infoBytes = new Uint8Array(this.#info.buffer);
  readonly #infoWords = new DataView(this.#info.buffer);
  readonly #registerBytes = new Uint8Array(REGISTER_BYTES);
  readonly #siginfoBytes = new Uint8Array(128);
  readonly #siginfoBefore = new Uint8Array(128);
  #registers: Registers | undefined;
  #number: number | undefined;
  #hasSiginfo = false;
  /** The kernel's answer about the system call is older than the registers. */
  #edited = false;

  constructor(layer: KernelLayer, tid: number) {
    this.#layer = layer;
    this.tid = tid;
  }

  /** The thread stands somewhere else now. */
  renew(): void {
    this.#registers = undefined;
    this.#number = undefined;
    this.#edited = false;
    this.#hasSiginfo = false;
  }

  /** What is known is out of date; what was changed here and not written back is lost. */
  reread(): void {
    this.#registers = undefined;
    if (this.#hasSiginfo) {
      this.#hasSiginfo = false;
      this.siginfo();
    }
  }

  /** Asks the kernel which end of a system call this is: OP, or a negative errno. */
  readSyscall(): number {
    const result = this.#layer.ptraceBuffer(PTRACE.GET_SYSCALL_INFO, this.tid, 88, this.#info);
    return result < 0 ? result : (this.#infoBytes[0] ?? 0);
  }

  /** It stood, so whatever it does when somebody looks: only SIGKILL, or an exec that kills, has moved it on. */
  #failed(request: number, errno: number): Error {
    if (errno !== ERRNO.ESRCH) return requestFailed(request, this.tid, errno);
    const why = 'SIGKILL has taken it out of its stop; its end follows';
    return fromErrno(nameOfRequest(request), this.tid, errno, 'gone', why);
  }

  get registers(): Registers {
    if (this.#registers !== undefined) return this.#registers;
    const bytes = this.#registerBytes;
    const length = this.#layer.ptraceIovec(PTRACE.GETREGSET, this.tid, NT.PRSTATUS, bytes);
    if (length < 0) throw this.#failed(PTRACE.GETREGSET, -length);
    return (this.#registers = registersFrom(HOST, length === bytes.length ? bytes : bytes.slice(0, length)));
  }

  /** Writes back what was changed. Errors but the death of the thread are thrown. */
  flush(): void {
    if (this.#registers?.dirty === true) {
      const { bytes } = this.#registers;
      this.#registers.dirty = false;
      this.#edited = true;
      const result = this.#layer.ptraceIovec(PTRACE.SETREGSET, this.tid, NT.PRSTATUS, bytes);
      if (result < 0 && result !== -ERRNO.ESRCH) throw requestFailed(PTRACE.SETREGSET, this.tid, -result);
    }
    if (this.#hasSiginfo && this.#siginfoBytes.some((byte, index) => byte !== this.#siginfoBefore[index])) {
      this.#siginfoBefore.set(this.#siginfoBytes);
      const result = this.#layer.ptraceBuffer(PTRACE.SETSIGINFO, this.tid, 0, this.#siginfoBytes);
      if (result < 0 && result !== -ERRNO.ESRCH) throw requestFailed(PTRACE.SETSIGINFO, this.tid, -result);
    }
  }

  /** The siginfo of this stop, to be read and written. */
  siginfo(): Uint8Array {
    if (!this.#hasSiginfo) {
      if (this.#layer.ptraceBuffer(PTRACE.GETSIGINFO, this.tid, 0, this.#siginfoBytes) < 0) this.#siginfoBytes.fill(0);
      this.#siginfoBefore.set(this.#siginfoBytes);
      this.#hasSiginfo = true;
    }
    return this.#siginfoBytes;
  }

  /** A siginfo that the kernel does not have: that of a trap which is made up. It is never written back. */
  pretendSiginfo(bytes: Uint8Array): Uint8Array {
    this.#siginfoBytes.set(bytes);
    this.#hasSiginfo = false;
    return this.#siginfoBytes;
  }

  // --- SyscallView

  get arch(): number {
    return this.#infoWords.getUint32(4, true);
  }
  get number(): number {
    return this.#number ?? (this.#hasCall ? this.#infoWords.getInt32(24, true) : -1);
  }
  /** Whether the thread stands where it enters a system call. */
  get isEntry(): boolean {
    return this.#infoBytes[0] === OP.ENTRY;
  }
  get abi(): Abi | 'unknown' {
    return abiOfAuditArch(this.arch, Math.max(this.number, 0));
  }
  get name(): string {
    const { abi, number } = this;
    return (abi === 'unknown' ? undefined : syscallName(abi, number)) ?? `syscall_${number}`;
  }
  arg(index: number): bigint {
    if (!Number.isInteger(index) || index < 0 || index > 5) {
      throw badInput('read a system call argument', `index is ${index}, want 0 to 5`, this.tid);
    }
    if (!this.#hasCall) return 0n;
    const registers = this.#changed;
    return registers !== undefined ? registers.arg(index) : (this.#info[4 + index] ?? 0n);
  }
  get result(): bigint {
    if (this.#infoBytes[0] !== OP.EXIT) return 0n;
    const registers = this.#changed;
    return registers !== undefined ? registers.result : this.#infoWords.getBigInt64(24, true);
  }
  get isError(): boolean {
    if (this.#infoBytes[0] !== OP.EXIT) return false;
    const registers = this.#changed;
    if (registers === undefined) return this.#infoBytes[32] !== 0;
    const { result } = registers;
    return result < 0n && result >= -4095n;
  }
  get retData(): number {
    return this.#infoBytes[0] === OP.SECCOMP ? this.#infoWords.getUint32(80, true) : 0;
  }
  /** The registers, if they say something else than the kernel's answer. */
  get #changed(): Registers | undefined {
    return this.#edited || this.#registers?.dirty === true ? this.#registers : undefined;
  }
  get #hasCall(): boolean {
    return this.#infoBytes[0] === OP.ENTRY || this.#infoBytes[0] === OP.SECCOMP;
  }

  setNumber(number: number): void {
    if (!this.#hasCall) throw refused('used-up', 'set the system call number', this.tid);
    if (HOST === 'arm64') {
      // The register that held the number is not looked at again: only this regset changes the call.
      four[0] = number;
      const result = this.#layer.ptraceIovec(PTRACE.SETREGSET, this.tid, NT.ARM_SYSTEM_CALL, four);
      if (result < 0) throw this.#failed(PTRACE.SETREGSET, -result);
    } else this.registers.syscallNumber = number;
    this.#number = number;
  }
  setArg(index: number, value: bigint | number): void {
    this.registers.setArg(index, value);
  }
  setResult(value: bigint | number): void {
    this.registers.result = value;
  }

  /** Skips the call that is being entered; unless an engine has set a result, it fails with ENOSYS. */
  abort(): void {
    // Before x86 enters a call its result is -ENOSYS; where the result shares argument 0's register it has to be made so.
    const untouched = this.#changed === undefined;
    this.setNumber(-1);
    if (HOST === 'arm64' && untouched) this.registers.result = BigInt(-ERRNO.ENOSYS);
  }
}
