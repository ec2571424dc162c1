import { eventName } from './events.js';
import { STRUCT_SIZE } from './requests.js';
import { SIG, signalName } from './signals.js';
import { CLD } from './wait-flags.js';

/*
 * siginfo_t of 64-bit machines; the same on x86-64 and arm64. Source: sigaction(2); uapi/asm-generic/siginfo.h.
 *
 *    0 int signo   4 int errno   8 int code   16 …
 *    user:  16 pid  20 uid                     queue: 16 pid  20 uid  24 value
 *    timer: 16 id   20 overrun   24 value      child: 16 pid  20 uid  24 status  32 utime  40 stime
 *    fault: 16 addr, then 24 short lsb | 32 lower 40 upper | 32 u32 pkey | 24 u64 data 32 u32 type 36 u32 flags
 *    poll:  16 band 24 fd                      sys:   16 call address  24 nr  28 arch
 */

/** `si_code` values that any signal can have: who sent it. */
export const SI = {
  /** kill(2) */
  USER: 0,
  KERNEL: 0x80,
  /** sigqueue(3) */
  QUEUE: -1,
  TIMER: -2,
  MESGQ: -3,
  ASYNCIO: -4,
  SIGIO: -5,
  /** tkill(2), tgkill(2) */
  TKILL: -6,
  DETHREAD: -7,
  ASYNCNL: -60,
} as const;

/** `si_code` values of a faulting signal, of SIGIO and of SIGSYS. */
export const ILL = {
  ILLOPC: 1,
  ILLOPN: 2,
  ILLADR: 3,
  ILLTRP: 4,
  PRVOPC: 5,
  PRVREG: 6,
  COPROC: 7,
  BADSTK: 8,
  BADIADDR: 9,
} as const;
export const FPE = {
  INTDIV: 1,
  INTOVF: 2,
  FLTDIV: 3,
  FLTOVF: 4,
  FLTUND: 5,
  FLTRES: 6,
  FLTINV: 7,
  FLTSUB: 8,
  FLTUNK: 14,
  CONDTRAP: 15,
} as const;
export const SEGV = {
  MAPERR: 1,
  ACCERR: 2,
  BNDERR: 3,
  PKUERR: 4,
  ACCADI: 5,
  ADIDERR: 6,
  ADIPERR: 7,
  MTEAERR: 8,
  MTESERR: 9,
  /** Control protection: shadow stack. Since Linux 6.6. */
  CPERR: 10,
} as const;
export const BUS = { ADRALN: 1, ADRERR: 2, OBJERR: 3, MCEERR_AR: 4, MCEERR_AO: 5 } as const;
export const TRAP = { BRKPT: 1, TRACE: 2, BRANCH: 3, HWBKPT: 4, UNK: 5, PERF: 6 } as const;
export const POLL = { IN: 1, OUT: 2, MSG: 3, ERR: 4, PRI: 5, HUP: 6 } as const;
export const SYS = { SECCOMP: 1, USER_DISPATCH: 2 } as const;

interface SigInfoBase {
  /** `si_signo` */
  readonly signal: number;
  /** `si_code` */
  readonly code: number;
  /** The name of the code, such as `SI_TKILL` or `SEGV_MAPERR`; the number as text where it has none. */
  readonly codeName: string;
  /** `si_errno`; zero in nearly every signal. */
  readonly errno: number;
}

interface Sender {
  /** The sender's process id in the tracee's pid namespace; 0 for the kernel. */
  readonly pid: number;
  /** The sender's real user id. */
  readonly uid: number;
}

interface Value {
  /** `sival_ptr`: all 64 bits that came with the signal. */
  readonly value: bigint;
  /** `sival_int`: the low 32 bits, signed. */
  readonly intValue: number;
}

/** A decoded `siginfo_t`; `kind` tells which fields there are. */
export type SigInfo =
  /** Sent by kill(2), tkill(2) or tgkill(2). */
  | (SigInfoBase & Sender & { readonly kind: 'user' })
  /** Sent with a value: sigqueue(3), message queue, asynchronous I/O, and every other negative code. */
  | (SigInfoBase & Sender & Value & { readonly kind: 'queue' })
  /** A POSIX timer. */
  | (SigInfoBase & Value & { readonly kind: 'timer'; readonly timerId: number; readonly overrun: number })
  /** SIGCHLD of a child's change. */
  | (SigInfoBase &
      Sender & {
        readonly kind: 'child';
        /** The exit code, the signal, or for CLD_TRAPPED the signal with the event bits. */
        readonly status: number;
        /** CPU time in clock ticks. */
        readonly utime: bigint;
        readonly stime: bigint;
      })
  /** SIGSEGV, SIGBUS, SIGILL, SIGFPE or SIGTRAP that the CPU caused. */
  | (SigInfoBase & {
      readonly kind: 'fault';
      readonly addr: bigint;
      /** BUS_MCEERR_*: the least significant bit of the address that is valid; otherwise undefined. */
      readonly lsb: number | undefined;
      /** SEGV_BNDERR: the bounds that were broken; otherwise undefined. */
      readonly bounds: { readonly lower: bigint; readonly upper: bigint } | undefined;
      /** SEGV_PKUERR: the protection key; otherwise undefined. */
      readonly pkey: number | undefined;
      /** TRAP_PERF: of the perf event; otherwise undefined. */
      readonly perf: { readonly data: bigint; readonly type: number; readonly flags: number } | undefined;
    })
  /** SIGIO, or the signal set in its place, of a file descriptor. */
  | (SigInfoBase & { readonly kind: 'poll'; readonly band: bigint; readonly fd: number })
  /** SIGSYS of seccomp or syscall user dispatch. */
  | (SigInfoBase & {
      readonly kind: 'sys';
      readonly callAddr: bigint;
      readonly syscall: number;
      /** One of AUDIT_ARCH. */
      readonly arch: number;
    })
  /**
   * A ptrace-stop: no signal at all. `event` is a PTRACE_EVENT, or 0 at a system call stop, where the code is the
   * signal number (and bit 7 with PTRACE_O_TRACESYSGOOD). SIGTRAP's TRAP_UNK has the same number as the system call
   * stop without that option; it is not told apart here.
   */
  | (SigInfoBase & Sender & { readonly kind: 'ptrace-event'; readonly event: number })
  /** Raised by the kernel (SI_KERNEL): int3 and general protection on x86, the SIGSTOP of PTRACE_ATTACH. */
  | (SigInfoBase & Sender & { readonly kind: 'kernel' })
  /** A code that this signal has not; the kernel copies it as it copies `user`. */
  | (SigInfoBase & Sender & { readonly kind: 'unknown' });

type Layout = SigInfo['kind'];

/** What a signal's own codes mean, from 1 to `limit`. Codes above are those of no kind the kernel knows. */
interface OwnCodes {
  readonly layout: Layout;
  readonly limit: number;
  readonly names: ReadonlyMap<number, string>;
}

function ownCodes(layout: Layout, prefix: string, codes: Readonly<Record<string, number>>): OwnCodes {
  return {
    layout,
    limit: Math.max(...Object.values(codes)),
    names: new Map(Object.entries(codes).map(([name, code]) => [code, `${prefix}_${name}`])),
  };
}

const pollCodes = ownCodes('poll', 'POLL', POLL);

const codesOfSignal: ReadonlyMap<number, OwnCodes> = new Map([
  [SIG.SIGILL, ownCodes('fault', 'ILL', ILL)],
  [SIG.SIGFPE, ownCodes('fault', 'FPE', FPE)],
  [SIG.SIGSEGV, ownCodes('fault', 'SEGV', SEGV)],
  [SIG.SIGBUS, ownCodes('fault', 'BUS', BUS)],
  [SIG.SIGTRAP, ownCodes('fault', 'TRAP', TRAP)],
  [SIG.SIGCHLD, ownCodes('child', 'CLD', CLD)],
  [SIG.SIGIO, pollCodes],
  [SIG.SIGSYS, ownCodes('sys', 'SYS', SYS)],
]);

const senderNames: ReadonlyMap<number, string> = new Map(
  Object.entries(SI).map(([name, code]) => [code, `SI_${name}`]),
);

const SYSGOOD = 0x80;

function layoutOf(signal: number, code: number): Layout {
  if (code === SI.USER || code === SI.TKILL) return 'user';
  if (code === SI.KERNEL) return 'kernel';
  if (code === SI.TIMER) return 'timer';
  if (code === SI.SIGIO) return 'poll';
  if (code < 0) return 'queue';
  if (code > 0xff) return (code & 0xff) === signal ? 'ptrace-event' : 'unknown';
  // ptrace(2): at a system call stop the code is SIGTRAP or SIGTRAP | 0x80.
  if (signal === SIG.SIGTRAP && (code & ~SYSGOOD) === SIG.SIGTRAP) return 'ptrace-event';
  const own = codesOfSignal.get(signal);
  if (own !== undefined && code <= own.limit) return own.layout;
  // fcntl(F_SETSIG) can put any signal in the place of SIGIO; its codes stay those of SIGIO.
  return code <= pollCodes.limit ? 'poll' : 'unknown';
}

/**
 * The name of a `si_code` for a signal, such as `SI_TKILL`, `SEGV_MAPERR` or `PTRACE_EVENT_STOP`; the number as text
 * where it has none.
 */
export function codeName(signal: number, code: number): string {
  const layout = layoutOf(signal, code);
  switch (layout) {
    case 'ptrace-event':
      if (code > 0xff) return eventName(code >> 8);
      return code === signal ? signalName(signal) : `${signalName(signal)}|0x80`;
    case 'poll':
      return senderNames.get(code) ?? pollCodes.names.get(code) ?? String(code);
    default:
      return senderNames.get(code) ?? codesOfSignal.get(signal)?.names.get(code) ?? String(code);
  }
}

/**
 * Decode the 128 bytes of a `siginfo_t`. Total: any bytes give a value.
 *
 * @param bytes at least 48 bytes, which is all the kernel uses
 * @throws RangeError when there are fewer
 */
export function decodeSiginfo(bytes: Uint8Array): SigInfo {
  if (bytes.byteLength < 48) throw new RangeError(`a siginfo has 128 bytes, not ${bytes.byteLength}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const signal = view.getInt32(0, true);
  const errno = view.getInt32(4, true);
  const code = view.getInt32(8, true);
  const base = { signal, code, codeName: codeName(signal, code), errno };
  const kind = layoutOf(signal, code);
  switch (kind) {
    case 'user':
    case 'kernel':
    case 'unknown':
      return { kind, ...base, ...senderAt16(view) };
    case 'queue':
      return { kind, ...base, ...senderAt16(view), ...valueAt24(view) };
    case 'timer':
      return { kind, ...base, timerId: view.getInt32(16, true), overrun: view.getInt32(20, true), ...valueAt24(view) };
    case 'child':
      return {
        kind,
        ...base,
        ...senderAt16(view),
        status: view.getInt32(24, true),
        utime: view.getBigInt64(32, true),
        stime: view.getBigInt64(40, true),
      };
    case 'fault':
      return { kind, ...base, addr: view.getBigUint64(16, true), ...faultDetails(view, signal, code) };
    case 'poll':
      return { kind, ...base, band: view.getBigInt64(16, true), fd: view.getInt32(24, true) };
    case 'sys':
      return {
        kind,
        ...base,
        callAddr: view.getBigUint64(16, true),
        syscall: view.getInt32(24, true),
        arch: view.getUint32(28, true),
      };
    case 'ptrace-event':
      return { kind, ...base, ...senderAt16(view), event: code > 0xff ? code >> 8 : 0 };
  }
}

function senderAt16(view: DataView): Sender {
  return { pid: view.getInt32(16, true), uid: view.getUint32(20, true) };
}

function valueAt24(view: DataView): Value {
  return { value: view.getBigUint64(24, true), intValue: view.getInt32(24, true) };
}

type FaultDetails = Pick<Extract<SigInfo, { kind: 'fault' }>, 'lsb' | 'bounds' | 'pkey' | 'perf'>;

function faultDetails(view: DataView, signal: number, code: number): FaultDetails {
  const memoryError = signal === SIG.SIGBUS && (code === BUS.MCEERR_AR || code === BUS.MCEERR_AO);
  const outOfBounds = signal === SIG.SIGSEGV && code === SEGV.BNDERR;
  const keyed = signal === SIG.SIGSEGV && code === SEGV.PKUERR;
  const perf = signal === SIG.SIGTRAP && code === TRAP.PERF;
  return {
    lsb: memoryError ? view.getInt16(24, true) : undefined,
    bounds: outOfBounds ? { lower: view.getBigUint64(32, true), upper: view.getBigUint64(40, true) } : undefined,
    pkey: keyed ? view.getUint32(32, true) : undefined,
    perf: perf
      ? { data: view.getBigUint64(24, true), type: view.getUint32(32, true), flags: view.getUint32(36, true) }
      : undefined,
  };
}

/**
 * What {@link encodeSiginfo} takes: a decoded SigInfo, or just a signal and the fields to set. The signal and code
 * decide where each field goes; fields that their layout does not have are left out.
 */
export interface SigInfoInit {
  readonly signal: number;
  /** Without it SI_QUEUE, the code that rt_sigqueueinfo(2) lets every process send. */
  readonly code?: number | undefined;
  readonly errno?: number | undefined;
  readonly pid?: number | undefined;
  readonly uid?: number | undefined;
  readonly value?: bigint | undefined;
  readonly timerId?: number | undefined;
  readonly overrun?: number | undefined;
  readonly status?: number | undefined;
  readonly utime?: bigint | undefined;
  readonly stime?: bigint | undefined;
  readonly addr?: bigint | undefined;
  readonly lsb?: number | undefined;
  readonly bounds?: { readonly lower: bigint; readonly upper: bigint } | undefined;
  readonly pkey?: number | undefined;
  readonly perf?: { readonly data: bigint; readonly type: number; readonly flags: number } | undefined;
  readonly band?: bigint | undefined;
  readonly fd?: number | undefined;
  readonly callAddr?: bigint | undefined;
  readonly syscall?: number | undefined;
  readonly arch?: number | undefined;
}

/** The 128 bytes of a `siginfo_t`, for PTRACE_SETSIGINFO and rt_sigqueueinfo(2). Fields that are not given are zero. */
export function encodeSiginfo(info: SigInfoInit): Uint8Array {
  const bytes = new Uint8Array(STRUCT_SIZE.SIGINFO);
  const view = new DataView(bytes.buffer);
  const code = info.code ?? SI.QUEUE;
  view.setInt32(0, info.signal, true);
  view.setInt32(4, info.errno ?? 0, true);
  view.setInt32(8, code, true);
  switch (layoutOf(info.signal, code)) {
    case 'user':
    case 'kernel':
    case 'unknown':
    case 'ptrace-event':
      setSender(view, info);
      break;
    case 'queue':
      setSender(view, info);
      view.setBigUint64(24, info.value ?? 0n, true);
      break;
    case 'timer':
      view.setInt32(16, info.timerId ?? 0, true);
      view.setInt32(20, info.overrun ?? 0, true);
      view.setBigUint64(24, info.value ?? 0n, true);
      break;
    case 'child':
      setSender(view, info);
      view.setInt32(24, info.status ?? 0, true);
      view.setBigInt64(32, info.utime ?? 0n, true);
      view.setBigInt64(40, info.stime ?? 0n, true);
      break;
    case 'fault':
      view.setBigUint64(16, info.addr ?? 0n, true);
      setFaultDetails(view, info);
      break;
    case 'poll':
      view.setBigInt64(16, info.band ?? 0n, true);
      view.setInt32(24, info.fd ?? 0, true);
      break;
    case 'sys':
      view.setBigUint64(16, info.callAddr ?? 0n, true);
      view.setInt32(24, info.syscall ?? 0, true);
      view.setUint32(28, info.arch ?? 0, true);
      break;
  }
  return bytes;
}

function setSender(view: DataView, info: SigInfoInit): void {
  view.setInt32(16, info.pid ?? 0, true);
  view.setUint32(20, info.uid ?? 0, true);
}

function setFaultDetails(view: DataView, info: SigInfoInit): void {
  if (info.lsb !== undefined) view.setInt16(24, info.lsb, true);
  if (info.bounds !== undefined) {
    view.setBigUint64(32, info.bounds.lower, true);
    view.setBigUint64(40, info.bounds.upper, true);
  }
  if (info.pkey !== undefined) view.setUint32(32, info.pkey, true);
  if (info.perf !== undefined) {
    view.setBigUint64(24, info.perf.data, true);
    view.setUint32(32, info.perf.type, true);
    view.setUint32(36, info.perf.flags, true);
  }
}
