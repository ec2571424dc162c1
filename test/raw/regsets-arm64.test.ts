import { describe, expect, it, type TestContext } from 'vitest';
import { NT } from '../../lib/kernel/regsets.js';
import { decodeHwDebugState, HW_DEBUG_STATE_SIZE } from '../../lib/kernel/arch/arm64/debug-registers.js';
import { SIG } from '../../lib/kernel/signals.js';
import { script } from '../../lib/raw/child.js';
import { getRegset, peekData, peekMteTags, pokeMteTags, setRegset, syscall } from '../../lib/raw/index.js';
import { child, expectReason, failure, interrupted, next, stopWord, SYSCALL_STOP, traced } from './tracee.js';

const VECTOR_HEADER = 16;
/** flags of a header: which registers follow. */
const VECTORS = 1;

/** The set, where kernel and CPU have it; else the test is skipped. */
function having(context: TestContext, pid: number, type: number, what: string): Uint8Array {
  const error = failure(() => getRegset(pid, type));
  if (error !== undefined) {
    expect(['EINVAL', 'ENODEV']).toContain(error.code);
    expect(error.reason).toBe('not-supported');
    context.skip(`this kernel or CPU has no ${what}`);
  }
  return getRegset(pid, type);
}

/** struct user_sve_header, which NT_ARM_SSVE and NT_ARM_ZA begin with too. */
function header(bytes: Uint8Array): {
  size: number;
  maxSize: number;
  length: number;
  maxLength: number;
  flags: number;
} {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [length, maxLength, flags] = [8, 10, 12].map((at) => view.getUint16(at, true)) as [number, number, number];
  return { size: view.getUint32(0, true), maxSize: view.getUint32(4, true), length, maxLength, flags };
}

/** Sets eight bytes, reads them back, and puts back what was there. */
function takes(pid: number, type: number, value: bigint): void {
  const before = getRegset(pid, type, new Uint8Array(8));
  expect(setRegset(pid, type, new BigUint64Array([value]))).toBe(8);
  const now = getRegset(pid, type, new Uint8Array(8));
  expect(new DataView(now.buffer).getBigUint64(0, true)).toBe(value);
  setRegset(pid, type, before);
}

describe.runIf(process.arch === 'arm64')('register sets of arm64 (arm64 only)', () => {
  it('of the thread pointer', () => {
    const pid = traced();
    // TPIDR2_EL0 is the second word, since 6.0.
    expect([8, 16]).toContain(getRegset(pid, NT.ARM_TLS).length);
    takes(pid, NT.ARM_TLS, 0x1234_5678_9abc_def0n);
  });

  it('of the floating-point registers', () => {
    const pid = traced();
    const registers = getRegset(pid, NT.PRFPREG);
    expect(registers.length).toBe(528);
    // v31; FPSR and FPCR follow.
    registers.fill(0x5a, 31 * 16, 32 * 16);
    expect(setRegset(pid, NT.PRFPREG, registers)).toBe(528);
    expect(getRegset(pid, NT.PRFPREG)).toEqual(registers);
  });

  it('of breakpoints and watchpoints', () => {
    const pid = traced();
    for (const type of [NT.ARM_HW_BREAK, NT.ARM_HW_WATCH]) {
      const bytes = getRegset(pid, type);
      const { slotCount, slots } = decodeHwDebugState(bytes);
      expect(bytes.length).toBeLessThanOrEqual(HW_DEBUG_STATE_SIZE);
      expect(slots.length).toBeGreaterThanOrEqual(slotCount);
    }
  });

  it('of the system call', () => {
    const pid = interrupted(
      script().loop((s) => s.pause()),
      1,
    );
    syscall(pid);
    expect(next(pid)).toBe(SYSCALL_STOP);
    const bytes = getRegset(pid, NT.ARM_SYSTEM_CALL);
    // ppoll
    expect(new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true)).toBe(73);
    expect(setRegset(pid, NT.ARM_SYSTEM_CALL, new Int32Array([-1]))).toBe(4);
    expect(getRegset(pid, NT.ARM_SYSTEM_CALL)).toEqual(new Uint8Array(4).fill(0xff));
  });

  it('of SVE: the vector length can be changed, the vectors written', (context) => {
    const pid = traced();
    const before = header(having(context, pid, NT.ARM_SVE, 'SVE'));
    expect(before.size).toBeLessThanOrEqual(before.maxSize);
    expect(before.length % 16).toBe(0);
    expect(before.length).toBeLessThanOrEqual(before.maxLength);

    // The least length, which every CPU has: 32 vectors of 16 bytes, 16 predicates of 2, FFR, and FPSR and FPCR behind a gap.
    const length = 16;
    const size = VECTOR_HEADER + 32 * length + 17 * (length / 8) + 14 + 16;
    const written = new Uint8Array(Math.ceil(size / 16) * 16);
    const view = new DataView(written.buffer);
    view.setUint32(0, written.length, true);
    view.setUint16(8, length, true);
    view.setUint16(12, VECTORS, true);
    written.fill(0x77, VECTOR_HEADER, VECTOR_HEADER + length);
    setRegset(pid, NT.ARM_SVE, written);
    const now = getRegset(pid, NT.ARM_SVE);
    expect(header(now)).toMatchObject({ length, maxLength: before.maxLength });
    expect(header(now).flags & VECTORS).toBe(VECTORS);
    expect(now.slice(VECTOR_HEADER, VECTOR_HEADER + length)).toEqual(new Uint8Array(length).fill(0x77));
    // The same register by its other name.
    expect(getRegset(pid, NT.PRFPREG).slice(0, length)).toEqual(new Uint8Array(length).fill(0x77));
  });

  it('of SME: streaming vectors and the matrix', (context) => {
    const pid = traced();
    const streaming = header(having(context, pid, NT.ARM_SSVE, 'SME'));
    expect(streaming.length).toBeGreaterThanOrEqual(16);
    const matrix = header(getRegset(pid, NT.ARM_ZA));
    // Off, so that only the header is there.
    expect(matrix.size).toBe(VECTOR_HEADER);
    expect(matrix.length).toBe(streaming.length);
    expect(matrix.maxSize).toBeGreaterThanOrEqual(VECTOR_HEADER + matrix.maxLength ** 2);
  });

  it('of pointer authentication: masks to be read, keys to be written', (context) => {
    const pid = traced();
    const masks = having(context, pid, NT.ARM_PAC_MASK, 'pointer authentication');
    expect(masks.length).toBe(16);
    const [data = 0n, instructions = 0n] = new BigUint64Array(masks.buffer);
    // The top bits of an address.
    expect(data).toBeGreaterThan(0n);
    expect(instructions).toBeGreaterThan(0n);
    expect(data & 0xffff_ffffn).toBe(0n);
    expectReason(() => setRegset(pid, NT.ARM_PAC_MASK, masks), 'not-supported', 'EOPNOTSUPP');

    const keys = having(context, pid, NT.ARM_PACA_KEYS, 'CONFIG_CHECKPOINT_RESTORE for the keys');
    expect(keys.length).toBe(64);
    const others = keys.map((byte) => byte ^ 0xff);
    expect(setRegset(pid, NT.ARM_PACA_KEYS, others)).toBe(64);
    expect(getRegset(pid, NT.ARM_PACA_KEYS)).toEqual(others);
    expect(getRegset(pid, NT.ARM_PACG_KEYS).length).toBe(16);
  });

  it('of the enabled keys of pointer authentication', (context) => {
    const pid = traced();
    // PR_PAC_APIAKEY and the other three.
    const bytes = having(context, pid, NT.ARM_PAC_ENABLED_KEYS, 'choice of keys for pointer authentication');
    expect(new DataView(bytes.buffer).getBigUint64(0, true)).toBe(0xfn);
    takes(pid, NT.ARM_PAC_ENABLED_KEYS, 0b1101n);
  });

  it('of tagged addresses', (context) => {
    const pid = traced();
    having(context, pid, NT.ARM_TAGGED_ADDR_CTRL, 'tagged addresses');
    // PR_TAGGED_ADDR_ENABLE
    takes(pid, NT.ARM_TAGGED_ADDR_CTRL, 1n);
    expectReason(
      () => setRegset(pid, NT.ARM_TAGGED_ADDR_CTRL, new BigUint64Array([1n << 40n])),
      'not-supported',
      'EINVAL',
    );
  });

  it('are not there without the hardware, and that is said', () => {
    const pid = traced();
    // POE and GCS are newer than most CPUs.
    for (const type of [NT.ARM_POE, NT.ARM_GCS, NT.ARM_FPMR]) {
      const error = failure(() => getRegset(pid, type));
      if (error !== undefined) expect(error.reason).toBe('not-supported');
    }
    expectReason(() => getRegset(pid, NT.X86_XSTATE), 'not-supported', 'EINVAL');
  });
});

describe.runIf(process.arch === 'arm64')('memory tags (arm64 only)', () => {
  it('are written and read, one for each 16 bytes', (context) => {
    const [READ_WRITE_MTE, PRIVATE_ANONYMOUS] = [0x23, 0x22];
    const started = child(
      script()
        .traceme()
        .syscall('mmap', 0, 4096, READ_WRITE_MTE, PRIVATE_ANONYMOUS, -1, 0)
        .store('map')
        .tgkillSelf('SIGSTOP')
        .pause(),
    );
    const { pid } = started;
    expect(next(pid)).toBe(stopWord(SIG.SIGSTOP));
    const map = BigInt.asIntN(64, peekData(pid, started.address('map')));
    if (map < 0n) {
      expectReason(() => peekMteTags(pid, started.address('map'), new Uint8Array(1)), 'not-supported', 'EIO');
      context.skip('this CPU has no memory tagging');
    }
    const tags = Uint8Array.from({ length: 20 }, (_, index) => index % 16);
    expect(pokeMteTags(pid, map + 32n, tags)).toBe(20);
    const read = new Uint8Array(24);
    expect(peekMteTags(pid, map + 16n, read)).toBe(24);
    expect([...read]).toEqual([0, ...tags, 0, 0, 0]);
    // This memory was not mapped with tags.
    expectReason(() => peekMteTags(pid, started.address('map'), read), 'not-supported', 'EOPNOTSUPP');
  });
});
