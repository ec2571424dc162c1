import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AUDIT_ARCH,
  BUS,
  CLD,
  POLL,
  SEGV,
  SI,
  SIG,
  SYS,
  type SigInfo,
  TRAP,
  codeName,
  decodeSiginfo,
  encodeSiginfo,
} from '../../lib/kernel/index.js';
import { noHeaders, runC } from './headers.js';

function decoded<K extends SigInfo['kind']>(kind: K, bytes: Uint8Array): Extract<SigInfo, { kind: K }> {
  const info = decodeSiginfo(bytes);
  expect(info.kind).toBe(kind);
  return info as Extract<SigInfo, { kind: K }>;
}

describe('kinds', () => {
  it.each<[string, number, number, SigInfo['kind'], string]>([
    ['kill', SIG.SIGTERM, SI.USER, 'user', 'SI_USER'],
    ['tgkill', SIG.SIGTRAP, SI.TKILL, 'user', 'SI_TKILL'],
    ['sigqueue', 40, SI.QUEUE, 'queue', 'SI_QUEUE'],
    ['message queue', SIG.SIGUSR1, SI.MESGQ, 'queue', 'SI_MESGQ'],
    ['a negative code of no name', SIG.SIGUSR1, -77, 'queue', '-77'],
    ['POSIX timer', SIG.SIGALRM, SI.TIMER, 'timer', 'SI_TIMER'],
    ['queued SIGIO', SIG.SIGIO, SI.SIGIO, 'poll', 'SI_SIGIO'],
    ['int3 on x86', SIG.SIGTRAP, SI.KERNEL, 'kernel', 'SI_KERNEL'],
    ['general protection', SIG.SIGSEGV, SI.KERNEL, 'kernel', 'SI_KERNEL'],
    ['child exit', SIG.SIGCHLD, CLD.EXITED, 'child', 'CLD_EXITED'],
    ['page fault', SIG.SIGSEGV, SEGV.MAPERR, 'fault', 'SEGV_MAPERR'],
    ['single step', SIG.SIGTRAP, TRAP.TRACE, 'fault', 'TRAP_TRACE'],
    ['watchpoint', SIG.SIGTRAP, TRAP.HWBKPT, 'fault', 'TRAP_HWBKPT'],
    ['readable file', SIG.SIGIO, POLL.IN, 'poll', 'POLL_IN'],
    ['F_SETSIG with another signal', 40, POLL.HUP, 'poll', 'POLL_HUP'],
    ['seccomp', SIG.SIGSYS, SYS.SECCOMP, 'sys', 'SYS_SECCOMP'],
    ['system call stop', SIG.SIGTRAP, SIG.SIGTRAP, 'ptrace-event', 'SIGTRAP'],
    ['system call stop, TRACESYSGOOD', SIG.SIGTRAP, SIG.SIGTRAP | 0x80, 'ptrace-event', 'SIGTRAP|0x80'],
    ['exec event', SIG.SIGTRAP, 0x405, 'ptrace-event', 'PTRACE_EVENT_EXEC'],
    ['group-stop', SIG.SIGTSTP, 0x8014, 'ptrace-event', 'PTRACE_EVENT_STOP'],
    ['event of another signal', SIG.SIGTSTP, 0x8013, 'unknown', '32787'],
    ['code beyond the own ones of the signal', SIG.SIGBUS, 6, 'poll', 'POLL_HUP'],
    ['code beyond all', SIG.SIGUSR1, 0x70, 'unknown', '112'],
  ])('%s', (_name, signal, code, kind, name) => {
    const info = decodeSiginfo(encodeSiginfo({ signal, code }));
    expect(info).toMatchObject({ kind, signal, code, codeName: name, errno: 0 });
    expect(codeName(signal, code)).toBe(name);
  });

  it('gives the event of a ptrace-stop, and 0 at a system call stop', () => {
    expect(decoded('ptrace-event', encodeSiginfo({ signal: 5, code: 0x605, pid: 7 }))).toMatchObject({
      event: 6,
      pid: 7,
    });
    expect(decoded('ptrace-event', encodeSiginfo({ signal: 5, code: 0x85 })).event).toBe(0);
    expect(decoded('ptrace-event', encodeSiginfo({ signal: 19, code: 0x8013 })).event).toBe(128);
  });

  it('gives fault details only where the code has them', () => {
    const bounds = { lower: 1n, upper: 2n };
    const perf = { data: 3n, type: 4, flags: 5 };
    const all = { addr: 0x1234n, lsb: 12, bounds, pkey: 9, perf };
    const plain = { lsb: undefined, bounds: undefined, pkey: undefined, perf: undefined };
    const fault = (signal: number, code: number): SigInfo => decodeSiginfo(encodeSiginfo({ signal, code, ...all }));
    expect(fault(SIG.SIGSEGV, SEGV.MAPERR)).toMatchObject({ addr: 0x1234n, ...plain });
    expect(fault(SIG.SIGTRAP, TRAP.BRKPT)).toMatchObject({ addr: 0x1234n, ...plain });
    const only = (signal: number, code: number, field: Partial<typeof all>): SigInfo =>
      decodeSiginfo(encodeSiginfo({ signal, code, addr: 0x1234n, ...field }));
    expect(only(SIG.SIGBUS, BUS.MCEERR_AO, { lsb: 12 })).toMatchObject({ ...plain, lsb: 12 });
    expect(only(SIG.SIGSEGV, SEGV.BNDERR, { bounds })).toMatchObject({ ...plain, bounds });
    expect(only(SIG.SIGSEGV, SEGV.PKUERR, { pkey: 9 })).toMatchObject({ ...plain, pkey: 9 });
    expect(only(SIG.SIGTRAP, TRAP.PERF, { perf })).toMatchObject({ ...plain, perf });
  });

  it('reads a value as the 64 bits and as the int in them', () => {
    const info = decoded('queue', encodeSiginfo({ signal: 40, value: 0x1_ffff_fffen }));
    expect(info).toMatchObject({ code: SI.QUEUE, value: 0x1_ffff_fffen, intValue: -2 });
  });
});

describe('any bytes', () => {
  const header = fc.tuple(fc.integer(), fc.oneof(fc.integer({ min: -8, max: 0x8040 }), fc.integer()));

  it('decode to a value, and the fields it has encode to the same bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 128, maxLength: 128 }),
        header,
        fc.option(fc.integer({ min: 1, max: 64 })),
        (bytes, [signal, code], small) => {
          const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
          view.setInt32(0, small ?? signal, true);
          view.setInt32(8, code, true);
          const info = decodeSiginfo(bytes);
          expect(decodeSiginfo(encodeSiginfo(info))).toEqual(info);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('may stand at any offset, but not be too few', () => {
    const shifted = new Uint8Array(131).subarray(3);
    shifted.set(encodeSiginfo({ signal: SIG.SIGUSR1, code: SI.USER, pid: 4711 }));
    expect(decoded('user', shifted).pid).toBe(4711);
    expect(() => decodeSiginfo(new Uint8Array(47))).toThrow(RangeError);
  });
});

describe.skipIf(noHeaders !== undefined)("the layout is that of the machine's headers", () => {
  it('for every kind', () => {
    const lines = runC(`
      #include <stdio.h>
      #include <string.h>
      #include <asm/siginfo.h>
      static struct siginfo si;
      static void show(int signo, int code) {
        si.si_signo = signo; si.si_errno = 3; si.si_code = code;
        for (unsigned i = 0; i < sizeof si; i++) printf("%02x", ((unsigned char *)&si)[i]);
        puts(""); memset(&si, 0, sizeof si);
      }
      int main(void) {
        si.si_pid = 1001; si.si_uid = 4000000000u; show(15, SI_USER);
        si.si_pid = 1001; si.si_uid = 1002; si.si_ptr = (void *)0x1122334455667788; show(40, SI_QUEUE);
        si.si_tid = 5; si.si_overrun = 6; si.si_ptr = (void *)7; show(14, SI_TIMER);
        si.si_pid = 1001; si.si_uid = 2; si.si_status = 0x8013; si.si_utime = 77; si.si_stime = 88; show(17, CLD_TRAPPED);
        si.si_addr = (void *)0xfffffffffffff000; show(11, SEGV_ACCERR);
        si.si_addr = (void *)4096; si.si_addr_lsb = 12; show(7, BUS_MCEERR_AR);
        si.si_addr = (void *)4096; si.si_lower = (void *)1; si.si_upper = (void *)2; show(11, SEGV_BNDERR);
        si.si_addr = (void *)4096; si.si_pkey = 15; show(11, SEGV_PKUERR);
        si.si_addr = (void *)4096; si.si_perf_data = 1; si.si_perf_type = 2; si.si_perf_flags = 3; show(5, TRAP_PERF);
        si.si_band = -5; si.si_fd = 9; show(29, POLL_OUT);
        si.si_call_addr = (void *)0x401000; si.si_syscall = 39; si.si_arch = 0xc000003e; show(31, SYS_SECCOMP);
      }`);
    const none = { lsb: undefined, bounds: undefined, pkey: undefined, perf: undefined };
    const expected: object[] = [
      { kind: 'user', pid: 1001, uid: 4000000000 },
      { kind: 'queue', pid: 1001, uid: 1002, value: 0x1122334455667788n, intValue: 0x55667788 },
      { kind: 'timer', timerId: 5, overrun: 6, value: 7n, intValue: 7 },
      { kind: 'child', pid: 1001, uid: 2, status: 0x8013, utime: 77n, stime: 88n },
      { kind: 'fault', addr: 0xfffffffffffff000n, ...none },
      { kind: 'fault', addr: 4096n, ...none, lsb: 12 },
      { kind: 'fault', addr: 4096n, ...none, bounds: { lower: 1n, upper: 2n } },
      { kind: 'fault', addr: 4096n, ...none, pkey: 15 },
      { kind: 'fault', addr: 4096n, ...none, perf: { data: 1n, type: 2, flags: 3 } },
      { kind: 'poll', band: -5n, fd: 9 },
      { kind: 'sys', callAddr: 0x401000n, syscall: 39, arch: AUDIT_ARCH.X86_64 },
    ];
    const bytes = lines.map((line) => new Uint8Array(Buffer.from(line, 'hex')));
    expect(bytes).toHaveLength(expected.length);
    bytes.forEach((each, index) => {
      const info = decodeSiginfo(each);
      expect(info).toMatchObject({ errno: 3, ...expected[index] });
      expect(encodeSiginfo(info)).toEqual(each);
    });
  });
});
