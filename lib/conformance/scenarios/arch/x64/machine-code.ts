/** Tracees that execute machine code which the tracer has written for them, and a few instructions of x86-64. */
import { PRIVATE_ANONYMOUS, PROT } from '../../../parts/memory-map.js';
import { X64Registers } from '../../../../kernel/arch/x64/registers.js';
import { SIG } from '../../../../kernel/signals.js';
import { type Part, script, type ScriptOptions } from '../../../../raw/child.js';
import { getGeneral } from '../../../../raw/general-registers.js';
import * as raw from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import type { Stage } from '../../../stage.js';

const PAGE = 4096;
const PROT_ALL = PROT.READ | PROT.WRITE | PROT.EXEC;
const MAP_32BIT = 0x40;
/** Where {@link CodeTracee.call} puts its instructions. */
const CALL_AT = 2048;
const NOT_IN_A_CALL = -1;

const imm32 = (value: number): number[] => [...new Uint8Array(new Int32Array([value]).buffer)];

/** Instructions as bytes. `data` is memory at %rbx, where {@link codeTracee} has it point to the data page. */
export const I = {
  nop: [0x90],
  int3: [0xcc],
  /** int1, also called icebp */
  int1: [0xf1],
  hlt: [0xf4],
  cpuid: [0x0f, 0xa2],
  ret: [0xc3],
  syscall: [0x0f, 0x05],
  int80: [0xcd, 0x80],
  pushfq: [0x9c],
  popfq: [0x9d],
  pushRbx: [0x53],
  /** mov gs, eax */
  setGs: [0x8e, 0xe8],
  /** mov ss, eax */
  setSs: [0x8e, 0xd0],
  /** mov edi, gs:[0] */
  loadGs: [0x65, 0x8b, 0x3c, 0x25, 0, 0, 0, 0],
  /** mov dword gs:[0], imm32 */
  storeGs: (value: number) => [0x65, 0xc7, 0x04, 0x25, 0, 0, 0, 0, ...imm32(value)],
  /** rdgsbase rax: undefined where the kernel has not switched it on */
  readGsBase: [0xf3, 0x48, 0x0f, 0xae, 0xc8],
  /** or dword [rsp], imm32 */
  orOnStack: (value: number) => [0x81, 0x0c, 0x24, ...imm32(value)],
  /** jmp rel8 */
  jump: (by: number) => [0xeb, by & 0xff],
  /** mov rax, imm32, with sign */
  setRax: (value: number) => [0x48, 0xc7, 0xc0, ...imm32(value)],
  setRdi: (value: number) => [0x48, 0xc7, 0xc7, ...imm32(value)],
  /** mov [rbx + at], imm, of 1, 2, 4 or 8 bytes */
  store: (width: 1 | 2 | 4 | 8, value: number, at = 0) => {
    const place = [0x43, at];
    switch (width) {
      case 1:
        return [0xc6, ...place, value & 0xff];
      case 2:
        return [0x66, 0xc7, ...place, value & 0xff, (value >> 8) & 0xff];
      case 4:
        return [0xc7, ...place, ...imm32(value)];
      case 8:
        return [0x48, 0xc7, ...place, ...imm32(value)];
    }
  },
  /** mov rax or a part of it, [rbx] */
  load: (width: 1 | 2 | 4 | 8) =>
    ({ 1: [0x8a, 0x03], 2: [0x66, 0x8b, 0x03], 4: [0x8b, 0x03], 8: [0x48, 0x8b, 0x03] })[width],
} as const;

/** The registers of a 64-bit tracee. */
export const registersOf = (e: Actor): X64Registers => new X64Registers(getGeneral(e.tid));

/** Changes some registers, by one reading and one writing. */
export function change(e: Actor, changes: (registers: X64Registers) => void): void {
  const registers = registersOf(e);
  changes(registers);
  e.setRegisters(registers);
}

/** A tracee with a page of code and a page of data. */
export class CodeTracee {
  readonly actor: Actor;
  /** The first instruction. */
  readonly code: bigint;
  /** A page of zeroes. */
  readonly data: bigint;

  constructor(actor: Actor, code: bigint) {
    this.actor = actor;
    this.code = code;
    this.data = code + BigInt(PAGE);
  }

  /** Writes instructions, from the first one or from `at` on. */
  write(instructions: readonly (readonly number[])[], at = 0): void {
    const bytes = instructions.flat();
    const padded = new Uint8Array(Math.ceil(bytes.length / 8) * 8).fill(0x90);
    padded.set(bytes);
    const view = new DataView(padded.buffer);
    for (let offset = 0; offset < padded.length; offset += 8) {
      raw.pokeText(this.actor.tid, this.code + BigInt(at + offset), view.getBigUint64(offset, true));
    }
  }

  /** It will go on at an instruction, outside of any system call, with %rbx at the data and other registers as told. */
  goTo(at = 0, changes?: (registers: X64Registers) => void): void {
    change(this.actor, (registers) => {
      registers.rip = this.code + BigInt(at);
      registers.rbx = this.data;
      registers.orig_rax = NOT_IN_A_CALL;
      changes?.(registers);
    });
  }

  /** Has it make a system call, outside of what it does otherwise; the result. Its other registers are as before. Not in the transcript. */
  call(name: string, ...args: readonly (bigint | number)[]): bigint {
    const { actor } = this;
    const before = registersOf(actor);
    this.write([I.syscall, I.int3], CALL_AT);
    this.goTo(CALL_AT, (registers) => {
      registers.rax = actor.syscallNumber(name);
      args.forEach((value, index) => registers.setArg(index, value));
    });
    actor.stage.unrecorded(() => {
      actor.mustSucceed(actor.cont(), 'CONT');
      actor.expectStop(SIG.SIGTRAP);
    });
    const after = registersOf(actor);
    // The call may have changed them for good.
    for (const name of ['fs', 'gs', 'fs_base', 'gs_base'] as const) before[name] = after[name];
    actor.setRegisters(before);
    return after.result;
  }

  /** The offset of its program counter from the first instruction, or `elsewhere`. */
  get place(): string {
    const at = registersOf(this.actor).rip - this.code;
    return at >= 0n && at < BigInt(PAGE) ? String(at) : 'elsewhere';
  }

  /** Writes down {@link place}: `rip = 3`. */
  observePlace(): void {
    this.actor.observe('rip', this.place);
  }
}

/**
 * A tracee of TRACEME, in a stop, that will execute these instructions. Not in the transcript.
 *
 * @param prepare what it does before
 */
export function codeTracee(
  stage: Stage,
  name: string,
  instructions: readonly (readonly number[])[],
  prepare?: Part,
  options?: ScriptOptions,
): CodeTracee {
  return stage.unrecorded(() => {
    // In the low 2 GiB, where descriptors and 32-bit system calls reach it.
    const flags = PRIVATE_ANONYMOUS | MAP_32BIT;
    const part = script()
      .syscall('mmap', 0, 2 * PAGE, PROT_ALL, flags, -1, 0)
      .store('code');
    prepare?.(part);
    const actor = stage.child(name, part.traceme().tgkillSelf('SIGSTOP').exitGroup(99), options);
    actor.expectStop(SIG.SIGSTOP);
    const tracee = new CodeTracee(actor, actor.word('code'));
    tracee.write(instructions);
    tracee.goTo();
    return tracee;
  });
}
