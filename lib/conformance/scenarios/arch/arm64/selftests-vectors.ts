/** The vector and matrix registers of arm64: SVE, streaming SVE, ZA, ZT. */
import { NT } from '../../../../kernel/regsets.js';
import { getRegset, setRegset } from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { commit, scenario, suite, type Scenario } from '../../../scenario.js';

const svePtrace = suite('selftests', 'arm64/fp/sve-ptrace.c');
const zaPtrace = suite('selftests', 'arm64/fp/za-ptrace.c');
const ztPtrace = suite('selftests', 'arm64/fp/zt-ptrace.c');
const fpPtrace = suite('selftests', 'arm64/fp/fp-ptrace.c');
const sveSupport = commit('43d4da2c45b2', 'arm64/sve: ptrace and ELF coredump support');

/*
 * struct user_sve_header and struct user_za_header. Source: arch/arm64 uapi/asm/ptrace.h.
 *
 *    0 u32 size   4 u32 max_size   8 u16 vl   10 u16 max_vl   12 u16 flags   14 u16 reserved
 */
const HEADER = 16;
const QUAD = 16;
const REGISTERS = 32;
const FPSIMD = 0;
const SVE = 1;
const INHERIT = 2;
const ONEXEC = 4;
/** The longest vector that there can be, in bytes. */
const MOST = 8192;
/** `struct user_fpsimd_state`: V0 to V31, FPSR, FPCR, 8 bytes that are reserved. */
const FPSIMD_BYTES = 512 + 16;

interface Header {
  readonly size: number;
  readonly vl: number;
  readonly maxVl: number;
  readonly flags: number;
}

interface Vectors extends Header {
  readonly data: Uint8Array;
}

function read(e: Actor, type: number): Vectors {
  const bytes = getRegset(e.tid, type);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = view.getUint32(0, true);
  return {
    size,
    vl: view.getUint16(8, true),
    maxVl: view.getUint16(10, true),
    flags: view.getUint16(12, true),
    data: bytes.slice(HEADER, Math.max(HEADER, size)),
  };
}

function write(
  e: Actor,
  what: string,
  type: number,
  vl: number,
  flags: number,
  data: Uint8Array = new Uint8Array(),
): void {
  const bytes = new Uint8Array(HEADER + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(8, vl, true);
  view.setUint16(12, flags, true);
  bytes.set(data, HEADER);
  e.observe(
    what,
    e.stage.attempt(() => setRegset(e.tid, type, bytes)),
  );
}

/** Bytes that tell where they are. */
const pattern = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8) * 13 + seed) & 0xff);

/** V0 to V31 in the form of FPSIMD, the control registers 0. */
function fpsimdData(seed: number): Uint8Array {
  const data = new Uint8Array(FPSIMD_BYTES);
  data.set(pattern(512, seed));
  return data;
}

/** Z0 to Z31 in the form of SVE for a vector length; predicates and control registers 0. */
function sveData(vl: number, seed: number): Uint8Array {
  const predicates = 17 * (vl / 8);
  const status = Math.ceil((REGISTERS * vl + predicates) / QUAD) * QUAD;
  const data = new Uint8Array(Math.ceil((status + 8) / QUAD) * QUAD);
  data.set(pattern(REGISTERS * vl, seed));
  return data;
}

/** The low quadword of each Z register: what the V registers are. */
function lowQuads(data: Uint8Array, vl: number): Uint8Array {
  const low = new Uint8Array(REGISTERS * QUAD);
  for (let index = 0; index < REGISTERS; index++) low.set(data.subarray(index * vl, index * vl + QUAD), index * QUAD);
  return low;
}

const same = (a: Uint8Array, b: Uint8Array): string => (Buffer.compare(a, b) === 0 ? 'as written' : 'otherwise');

function observeV(e: Actor, expected: Uint8Array): void {
  e.observe('V registers', same(getRegset(e.tid, NT.PRFPREG).subarray(0, 512), expected));
}

const formOf = ({ flags }: Header): string => ((flags & SVE) === 0 ? 'FPSIMD' : 'SVE');
const inherits = ({ flags }: Header): boolean => (flags & INHERIT) !== 0;

/** The rules of vector lengths, the same for both kinds. Only lengths that every CPU has are named. */
function playLengths(e: Actor, type: number): void {
  const { maxVl } = read(e, type);
  const observeLength = (): void => {
    const { vl } = read(e, type);
    e.observe('vector length', vl === maxVl ? 'the largest' : vl);
  };
  write(e, 'SETREGSET, length 8192', type, MOST, 0);
  observeLength();
  for (const vl of [15, 0, MOST + QUAD]) write(e, `SETREGSET, length ${vl}`, type, vl, 0);
  write(e, 'SETREGSET, length 8192, an unknown flag', type, MOST, 0x40);
  observeLength();
  write(e, 'SETREGSET, INHERIT', type, MOST, INHERIT);
  e.observe('inherited', inherits(read(e, type)));
  write(e, 'SETREGSET, no flag', type, MOST, 0);
  e.observe('inherited', inherits(read(e, type)));
  write(e, 'SETREGSET, the smallest length, ONEXEC', type, QUAD, ONEXEC);
  observeLength();
}

const lengths = `
  E: SETREGSET, length 8192 = 0
  E: vector length = the largest
  E: SETREGSET, length 15 = EINVAL
  E: SETREGSET, length 0 = EINVAL
  E: SETREGSET, length 8208 = EINVAL
  E: SETREGSET, length 8192, an unknown flag = EINVAL
  E: vector length = the largest
  E: SETREGSET, INHERIT = 0
  E: inherited = true
  E: SETREGSET, no flag = 0
  E: inherited = false
  E: SETREGSET, the smallest length, ONEXEC = 0
  E: vector length = the largest
`;

export const vectors: readonly Scenario[] = [
  scenario({
    id: 'sve-ptrace-length',
    title: 'The header of NT_ARM_SVE sets the vector length: as much as the CPU has of what is asked for',
    source: [svePtrace, sveSupport],
    tags: ['regset', 'sve', 'errors'],
    rule:
      'A length that the CPU does not have becomes the next smaller one that it has; one that no CPU can have is EINVAL. With ONEXEC the length is for the next ' +
      'program and the present one stays. INHERIT is kept with it, other flags are refused.',
    arch: ['arm64'],
    since: '4.15',
    needs: ['regset.NT_ARM_SVE'],
    play(s) {
      const e = s.tracee('E', (c) => c.pause());
      if (read(e, NT.ARM_SVE).maxVl === 0) s.skip('this CPU has no vectors outside of the streaming mode');
      playLengths(e, NT.ARM_SVE);
    },
    expect: lengths,
  }),

  scenario({
    id: 'sve-ptrace',
    title: 'NT_ARM_SVE takes the registers in the form of FPSIMD or of SVE, and NT_PRFPREG shows the same ones',
    source: [svePtrace, fpPtrace, sveSupport],
    tags: ['regset', 'sve', 'floating-point'],
    rule:
      'The V registers are the low quadwords of the Z registers, whichever set they were written by. Which form the data has is a flag of the header, and the ' +
      'one that was written last is the one that is read. A write of NT_PRFPREG leaves the rest of the Z registers alone or at 0.',
    arch: ['arm64'],
    since: '4.15',
    needs: ['regset.NT_ARM_SVE'],
    play(s) {
      const e = s.tracee('E', (c) => c.pause());
      const { vl } = read(e, NT.ARM_SVE);
      if (vl === 0) s.skip('this CPU has no vectors outside of the streaming mode');
      const fpsimd = fpsimdData(1);
      write(e, 'SETREGSET in the form of FPSIMD', NT.ARM_SVE, vl, FPSIMD, fpsimd);
      const first = read(e, NT.ARM_SVE);
      e.observe('form', formOf(first));
      e.observe('data', same(first.data.subarray(0, fpsimd.length), fpsimd));
      observeV(e, fpsimd.subarray(0, 512));
      const sve = sveData(vl, 2);
      write(e, 'SETREGSET in the form of SVE', NT.ARM_SVE, vl, SVE, sve);
      const second = read(e, NT.ARM_SVE);
      e.observe('form', formOf(second));
      e.observe('data', same(second.data.subarray(0, sve.length), sve));
      observeV(e, lowQuads(sve, vl));
      const third = fpsimdData(3);
      e.observe(
        'SETREGSET of NT_PRFPREG',
        s.attempt(() => setRegset(e.tid, NT.PRFPREG, third)),
      );
      observeV(e, third.subarray(0, 512));
    },
    expect: `
      E: SETREGSET in the form of FPSIMD = 0
      E: form = FPSIMD
      E: data = as written
      E: V registers = as written
      E: SETREGSET in the form of SVE = 0
      E: form = SVE
      E: data = as written
      E: V registers = as written
      E: SETREGSET of NT_PRFPREG = 0
      E: V registers = as written
    `,
  }),

  scenario({
    id: 'ssve-ptrace',
    title: 'A write of NT_ARM_SSVE makes the tracee enter the streaming mode, a write of NT_ARM_SVE makes it leave',
    source: [fpPtrace, svePtrace],
    tags: ['regset', 'sve', 'sme', 'errors'],
    rule:
      'The two sets are the same registers in two modes. Those of the streaming mode are always in the form of SVE; the other form is refused, as it would put ' +
      'the task into a state that the CPU does not have.',
    history: 'Before Linux 6.16 the form of FPSIMD was taken for the streaming mode too.',
    arch: ['arm64'],
    since: '6.16',
    needs: ['regset.NT_ARM_SVE', 'regset.NT_ARM_SSVE'],
    play(s) {
      const e = s.tracee('E', (c) => c.pause());
      const plain = read(e, NT.ARM_SVE);
      const { vl } = read(e, NT.ARM_SSVE);
      write(e, 'SETREGSET of NT_ARM_SSVE in the form of FPSIMD', NT.ARM_SSVE, vl, FPSIMD, fpsimdData(1));
      const sve = sveData(vl, 2);
      write(e, 'SETREGSET of NT_ARM_SSVE', NT.ARM_SSVE, vl, SVE, sve);
      const streaming = read(e, NT.ARM_SSVE);
      e.observe('form', formOf(streaming));
      e.observe('data', same(streaming.data.subarray(0, sve.length), sve));
      observeV(e, lowQuads(sve, vl));
      const fpsimd = fpsimdData(3);
      write(e, 'SETREGSET of NT_ARM_SVE', NT.ARM_SVE, plain.vl, FPSIMD, fpsimd);
      observeV(e, fpsimd.subarray(0, 512));
      e.observe('form', formOf(read(e, NT.ARM_SVE)));
    },
    expect: `
      E: SETREGSET of NT_ARM_SSVE in the form of FPSIMD = EINVAL
      E: SETREGSET of NT_ARM_SSVE = 0
      E: form = SVE
      E: data = as written
      E: V registers = as written
      E: SETREGSET of NT_ARM_SVE = 0
      E: V registers = as written
      E: form = FPSIMD
    `,
  }),

  scenario({
    id: 'za-ptrace-length',
    title: 'The header of NT_ARM_ZA sets the streaming vector length by the rules of NT_ARM_SVE',
    source: [zaPtrace],
    tags: ['regset', 'sme', 'errors'],
    rule: 'ZA is a square of vectors of the streaming mode. Its set and NT_ARM_SSVE share one length.',
    arch: ['arm64'],
    since: '5.19',
    needs: ['regset.NT_ARM_ZA'],
    play(s) {
      playLengths(
        s.tracee('E', (c) => c.pause()),
        NT.ARM_ZA,
      );
    },
    expect: lengths,
  }),

  scenario({
    id: 'za-ptrace',
    title: 'NT_ARM_ZA with data switches the matrix on and writes it, the header alone switches it off',
    source: [zaPtrace],
    tags: ['regset', 'sme'],
    rule: 'Whether the matrix is on shows in the size: without it there is only the header. It is the only way for a tracer to switch it.',
    arch: ['arm64'],
    since: '5.19',
    needs: ['regset.NT_ARM_ZA'],
    play(s) {
      const e = s.tracee('E', (c) => c.pause());
      const { vl, size } = read(e, NT.ARM_ZA);
      e.observe('size', size === HEADER ? 'the header' : 'more');
      const matrix = pattern(vl * vl, 5);
      write(e, 'SETREGSET with data', NT.ARM_ZA, vl, 0, matrix);
      const on = read(e, NT.ARM_ZA);
      e.observe('size', on.size === HEADER + vl * vl ? 'the header and the matrix' : 'another');
      e.observe('data', same(on.data, matrix));
      write(e, 'SETREGSET of the header', NT.ARM_ZA, vl, 0);
      e.observe('size', read(e, NT.ARM_ZA).size === HEADER ? 'the header' : 'more');
    },
    expect: `
      E: size = the header
      E: SETREGSET with data = 0
      E: size = the header and the matrix
      E: data = as written
      E: SETREGSET of the header = 0
      E: size = the header
    `,
  }),

  scenario({
    id: 'zt-ptrace',
    title: 'NT_ARM_ZT reads as 0 while the matrix is off, and a write to it switches the matrix on',
    source: [ztPtrace],
    tags: ['regset', 'sme'],
    rule: 'ZT0 exists while ZA does, and is 0 when that is switched on.',
    arch: ['arm64'],
    since: '6.3',
    needs: ['regset.NT_ARM_ZT', 'regset.NT_ARM_ZA'],
    play(s) {
      const e = s.tracee('E', (c) => c.pause());
      const zt = (): Uint8Array => getRegset(e.tid, NT.ARM_ZT);
      const matrix = (): string => (read(e, NT.ARM_ZA).size === HEADER ? 'off' : 'on');
      e.observe('bytes', zt().length);
      e.observe('matrix', matrix());
      e.observe('content', zt().every((byte) => byte === 0) ? 'zeroes' : 'something');
      const content = pattern(64, 9);
      e.observe(
        'SETREGSET',
        s.attempt(() => setRegset(e.tid, NT.ARM_ZT, content)),
      );
      e.observe('content', same(zt(), content));
      e.observe('matrix', matrix());
      write(e, 'SETREGSET of the header of NT_ARM_ZA', NT.ARM_ZA, read(e, NT.ARM_ZA).vl, 0);
      e.observe('matrix', matrix());
      e.observe('content', zt().every((byte) => byte === 0) ? 'zeroes' : 'something');
    },
    expect: `
      E: bytes = 64
      E: matrix = off
      E: content = zeroes
      E: SETREGSET = 0
      E: content = as written
      E: matrix = on
      E: SETREGSET of the header of NT_ARM_ZA = 0
      E: matrix = off
      E: content = zeroes
    `,
  }),
];
