import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AUDIT_ARCH,
  type SyscallInfo,
  SyscallInfoView,
  decodeSyscallInfo,
  encodeSyscallInfo,
  syscallInfoOp,
} from '../../lib/kernel/index.js';
import { cValues, noHeaders } from './headers.js';

const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const i32 = fc.integer();
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const base = { arch: u32, instructionPointer: u64, stackPointer: u64 };
const call = { nr: i32, args: fc.tuple(u64, u64, u64, u64, u64, u64) };
const anyInfo: fc.Arbitrary<SyscallInfo> = fc.oneof(
  fc.record({ op: fc.constant('none' as const), ...base }),
  fc.record({ op: fc.constant('entry' as const), ...base, ...call }),
  fc.record({
    op: fc.constant('exit' as const),
    ...base,
    rval: fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
    isError: fc.boolean(),
  }),
  fc.record({ op: fc.constant('seccomp' as const), ...base, ...call, retData: u32 }),
);

describe('the lazy view', () => {
  it('decodes what was encoded', () => {
    fc.assert(
      fc.property(anyInfo, (info) => {
        const bytes = encodeSyscallInfo(info);
        expect(bytes).toHaveLength(88);
        expect(syscallInfoOp(bytes)).toBe(info.op);
        expect(decodeSyscallInfo(bytes)).toEqual(info);
      }),
    );
  });

  it('keeps its copy when the buffer is used again, over many slabs', () => {
    const buffer = new Uint8Array(88);
    const views = Array.from({ length: 300 }, (_, index) => {
      buffer.set(
        encodeSyscallInfo({
          op: 'entry',
          arch: AUDIT_ARCH.X86_64,
          instructionPointer: BigInt(index),
          stackPointer: 0n,
          nr: index,
          args: [0n, 1n, 2n, 3n, 4n, BigInt(index)],
        }),
      );
      return new SyscallInfoView(buffer);
    });
    buffer.fill(0xff);
    views.forEach((view, index) => {
      expect([view.op, view.nr, view.arg(5), view.instructionPointer]).toEqual([
        'entry',
        index,
        BigInt(index),
        BigInt(index),
      ]);
    });
  });

  it('takes the part that the kernel wrote, and a larger buffer', () => {
    const info: SyscallInfo = {
      op: 'exit',
      arch: AUDIT_ARCH.AARCH64,
      instructionPointer: 1n,
      stackPointer: 2n,
      rval: -4n,
      isError: true,
    };
    expect(decodeSyscallInfo(encodeSyscallInfo(info).subarray(0, 33))).toEqual(info);
    const large = new Uint8Array(200);
    large.set(encodeSyscallInfo(info));
    expect(decodeSyscallInfo(large)).toEqual(info);
    expect(decodeSyscallInfo(new Uint8Array(0)).op).toBe('none');
  });

  it('answers with nothing for fields that the op does not have', () => {
    const exit = new SyscallInfoView(
      encodeSyscallInfo({ op: 'exit', arch: 1, instructionPointer: 0n, stackPointer: 0n, rval: 5n, isError: false }),
    );
    expect([exit.nr, exit.arg(0), exit.retData, exit.rval, exit.isError]).toEqual([-1, 0n, 0, 5n, false]);
    const none = new SyscallInfoView(new Uint8Array(88));
    expect([none.nr, none.rval, none.isError, none.retData]).toEqual([-1, 0n, false, 0]);
    expect(() => none.arg(6)).toThrow(RangeError);
    expect(() => none.arg(0.5)).toThrow(RangeError);
  });

  it('reads any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const info = decodeSyscallInfo(bytes);
        expect(info.op).toBe(syscallInfoOp(bytes));
      }),
    );
  });

  it('takes a cancelled call, nr -1', () => {
    const bytes = encodeSyscallInfo({
      op: 'entry',
      arch: AUDIT_ARCH.X86_64,
      instructionPointer: 0n,
      stackPointer: 0n,
      nr: -1,
      args: [0n, 0n, 0n, 0n, 0n, 0n],
    });
    expect(bytes.subarray(24, 32)).toEqual(new Uint8Array(8).fill(0xff));
    expect(new SyscallInfoView(bytes).nr).toBe(-1);
  });
});

it.skipIf(noHeaders !== undefined)("the layout is that of the machine's headers", () => {
  const at = (field: string): string => `offsetof(struct ptrace_syscall_info, ${field})`;
  const offsets = cValues(['linux/ptrace.h'], {
    arch: at('arch'),
    ip: at('instruction_pointer'),
    sp: at('stack_pointer'),
    entryNr: at('entry.nr'),
    entryArgs: at('entry.args'),
    rval: at('exit.rval'),
    isError: at('exit.is_error'),
    seccompNr: at('seccomp.nr'),
    seccompArgs: at('seccomp.args'),
    retData: at('seccomp.ret_data'),
  });
  expect(Object.fromEntries(offsets)).toEqual({
    arch: 4n,
    ip: 8n,
    sp: 16n,
    entryNr: 24n,
    entryArgs: 32n,
    rval: 24n,
    isError: 32n,
    seccompNr: 24n,
    seccompArgs: 32n,
    retData: 80n,
  });
});
