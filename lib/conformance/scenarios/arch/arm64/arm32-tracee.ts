/** The program of fixtures/arm32.c as a tracee. */
import { ArmRegisters } from '../../../../kernel/arch/arm64/registers.js';
import { auditArchName } from '../../../../kernel/audit-arch.js';
import { NT } from '../../../../kernel/regsets.js';
import type { SyscallInfo } from '../../../../kernel/syscall-info.js';
import { syscallName, syscallNumber } from '../../../../kernel/syscalls.js';
import * as raw from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { arm32Program } from '../../../fixtures.js';
import { type Program32Options, SHARED, startProgram32, word32At } from '../../../parts/program32.js';
import type { Stage } from '../../../stage.js';

/** An instruction of ARM, not of Thumb. */
export const ARM_BYTES = 4n;
/** Below its stack pointer, where nothing is. */
const SCRATCH = 8192n;
const NO_CALL = -1;
const MOST_ARGUMENTS = 7;

/** The number of a system call of the EABI. */
export function armCall(name: string): number {
  const number = syscallNumber('arm', name);
  if (number === undefined) throw new Error(`there is no system call ${name} of AArch32`);
  return number;
}

export const armCallName = (number: number): string => syscallName('arm', number) ?? String(number);

/** An AArch32 tracee of TRACEME, in the stop that its command begins with. */
export class Arm32Tracee {
  readonly actor: Actor;
  /** Its `shared`. */
  readonly shared: bigint;
  /** Free memory of its stack, so many bytes. */
  readonly scratch: bigint;

  constructor(stage: Stage, name: string, command: string, number = 0, options?: Program32Options) {
    this.actor = startProgram32(stage, name, arm32Program(), command, number, options);
    const registers = this.registers();
    this.shared = registers.r3;
    this.scratch = (registers.sp - SCRATCH) & ~0xfffn;
  }

  registers(): ArmRegisters {
    return new ArmRegisters(raw.getRegset(this.actor.tid, NT.PRSTATUS));
  }

  change(changes: (registers: ArmRegisters) => void): void {
    const registers = this.registers();
    changes(registers);
    this.actor.setRegisters(registers);
  }

  /** The address of a field of `shared`. */
  address(field: keyof typeof SHARED): bigint {
    return this.shared + BigInt(SHARED[field]);
  }

  /** A field of `shared`, signed. */
  field(name: keyof typeof SHARED): number {
    return word32At(this.actor, this.address(name));
  }

  /** The address of one of its functions. */
  code(name: 'answer' | 'trap' | 'forget'): bigint {
    return BigInt.asUintN(32, BigInt(this.field(name)));
  }

  /** Writes 32-bit words into its memory. */
  write(address: bigint, ...words: readonly (number | bigint)[]): void {
    this.writeBytes(
      address,
      new Uint8Array(Uint32Array.from(words, (word) => Number(BigInt.asUintN(32, BigInt(word)))).buffer),
    );
  }

  writeBytes(address: bigint, bytes: Uint8Array): void {
    raw.processVmWrite(this.actor.tid, address, bytes);
  }

  /** It will go on at one of its functions, outside of any system call. */
  goTo(name: 'answer' | 'trap' | 'forget'): void {
    const pc = this.code(name);
    this.change((registers) => {
      registers.pc = pc;
    });
    this.setNumber(NO_CALL);
  }

  /** The number in NT_ARM_SYSTEM_CALL. */
  number(): number {
    const bytes = raw.getRegset(this.actor.tid, NT.ARM_SYSTEM_CALL);
    return new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
  }

  setNumber(number: number): string {
    return this.actor.stage.attempt(() => raw.setRegset(this.actor.tid, NT.ARM_SYSTEM_CALL, new Int32Array([number])));
  }

  /**
   * In a stop behind a system call's instruction: goes to the entry of another one by the same instruction. Not in the transcript.
   *
   * @returns puts its registers back as they are now; in a stop outside of a call
   */
  enter(name: string, ...args: readonly (number | bigint)[]): () => void {
    if (args.length > MOST_ARGUMENTS) throw new Error(`${args.length} arguments`);
    const { actor } = this;
    const saved = this.registers();
    this.change((registers) => {
      registers.pc -= ARM_BYTES;
      registers.r7 = armCall(name);
      for (const [index, arg] of args.entries()) registers.set(`r${index}`, BigInt.asUintN(32, BigInt(arg)));
    });
    actor.stage.unrecorded(() => {
      actor.mustSucceed(actor.syscall(), 'SYSCALL');
      if (actor.wait()?.kind !== 'syscall-stop') throw new Error(`${actor.name} did not come to its ${name}`);
    });
    return () => {
      actor.setRegisters(saved);
    };
  }

  /** Has it make a system call, in a stop behind another one's instruction; the result, signed. Not in the transcript. */
  call(name: string, ...args: readonly (number | bigint)[]): number {
    const { actor } = this;
    const restore = this.enter(name, ...args);
    actor.stage.unrecorded(() => {
      actor.mustSucceed(actor.syscall(), 'SYSCALL');
      if (actor.wait()?.kind !== 'syscall-stop') throw new Error(`${actor.name} did not come out of its ${name}`);
    });
    const result = Number(this.registers().result);
    restore();
    return result;
  }

  /** GET_SYSCALL_INFO: `entry AUDIT_ARCH_ARM getpid`, `exit AUDIT_ARCH_ARM E`; all of it for more. */
  observeInfo(): SyscallInfo {
    const { actor } = this;
    const info = raw.getSyscallInfo(actor.tid);
    const text = ((): string => {
      switch (info.op) {
        case 'none':
          return '';
        case 'entry':
          return ` ${armCallName(info.nr)}`;
        case 'seccomp':
          return ` ${armCallName(info.nr)} data 0x${info.retData.toString(16)}`;
        case 'exit':
          return ` ${actor.stage.valueText(info.rval)}`;
      }
    })();
    actor.observe('syscall info', `${info.op} ${auditArchName(info.arch)}${text}`);
    return info;
  }
}
