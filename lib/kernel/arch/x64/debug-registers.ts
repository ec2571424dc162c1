/*
 * The debug registers of x86: four slots (DR0-DR3 hold addresses), DR6 tells what hit, DR7 says what to watch.
 *
 * Source: Intel SDM volume 3, "Debug registers"; the kernel's additional rules: ptrace_set_debugreg in
 * arch/x86/kernel/ptrace.c.
 */

/** The number of breakpoint slots. */
export const DEBUG_SLOTS = 4;

/** What an access must be to hit. The CPU has no read-only watch; I/O watches are refused by the kernel. */
export type DebugAccess = 'execute' | 'write' | 'read-write';

/** How many bytes a slot watches. */
export type DebugLength = 1 | 2 | 4 | 8;

/** What one slot of DR7 says. */
export interface DebugSlot {
  /** 0 to 3 */
  readonly slot: number;
  readonly access: DebugAccess;
  /** 1 for execute. The address must be a multiple of it. */
  readonly length: DebugLength;
}

const accessBits: Readonly<Record<DebugAccess, number>> = { execute: 0, write: 1, 'read-write': 3 };
const lengthBits: Readonly<Record<DebugLength, number>> = { 1: 0, 2: 1, 8: 2, 4: 3 };
const accesses: readonly (DebugAccess | undefined)[] = ['execute', 'write', undefined, 'read-write'];
const lengths: readonly DebugLength[] = [1, 2, 8, 4];

function checkSlot(slot: number): void {
  if (!Number.isInteger(slot) || slot < 0 || slot >= DEBUG_SLOTS) {
    throw new RangeError(`debug slots are numbered 0 to ${DEBUG_SLOTS - 1}, not ${String(slot)}`);
  }
}

/**
 * DR7 for some slots; the others are off. Write the addresses first: the kernel checks a slot when DR7 enables it.
 *
 * @throws RangeError for a bad slot, access or length, a slot named twice, or an execute slot longer than 1
 */
export function encodeDr7(slots: Iterable<DebugSlot>): bigint {
  let dr7 = 0;
  let used = 0;
  for (const { slot, access, length } of slots) {
    checkSlot(slot);
    if ((used & (1 << slot)) !== 0) throw new RangeError(`debug slot ${slot} is named twice`);
    used |= 1 << slot;
    const type = Object.hasOwn(accessBits, access) ? accessBits[access] : undefined;
    if (type === undefined)
      throw new RangeError(`debug slot ${slot}: no such access, want execute, write or read-write`);
    const size = Object.hasOwn(lengthBits, length) ? lengthBits[length] : undefined;
    if (size === undefined) throw new RangeError(`debug slot ${slot}: length ${String(length)}, want 1, 2, 4 or 8`);
    if (access === 'execute' && length !== 1) throw new RangeError(`debug slot ${slot}: execute wants length 1`);
    dr7 |= (1 << (slot * 2)) | (((size << 2) | type) << (16 + slot * 4));
  }
  return BigInt(dr7 >>> 0);
}

/** The enabled slots of DR7, locally or globally enabled; I/O slots are left out. */
export function decodeDr7(dr7: bigint): DebugSlot[] {
  const bits = Number(BigInt.asUintN(32, dr7));
  const slots: DebugSlot[] = [];
  for (let slot = 0; slot < DEBUG_SLOTS; slot++) {
    if (((bits >>> (slot * 2)) & 3) === 0) continue;
    const control = (bits >>> (16 + slot * 4)) & 15;
    const access = accesses[control & 3];
    if (access !== undefined) slots.push({ slot, access, length: lengths[control >>> 2] as DebugLength });
  }
  return slots;
}

/** Why the CPU trapped, after DR6. */
export interface DebugStatus {
  /** The slots whose condition was met, whether or not they were enabled: compare with DR7. */
  readonly slots: readonly number[];
  /** A single step (EFLAGS.TF) ended. */
  readonly singleStep: boolean;
  /** A debug register was accessed while DR7 forbids it. */
  readonly accessDetected: boolean;
  readonly taskSwitch: boolean;
}

/** Decode DR6. The CPU does not clear it: write 0 after a hit, or the next answer mixes old and new. */
export function decodeDr6(dr6: bigint): DebugStatus {
  const bits = Number(BigInt.asUintN(32, dr6));
  const slots: number[] = [];
  for (let slot = 0; slot < DEBUG_SLOTS; slot++) if ((bits & (1 << slot)) !== 0) slots.push(slot);
  return {
    slots,
    singleStep: (bits & (1 << 14)) !== 0,
    accessDetected: (bits & (1 << 13)) !== 0,
    taskSwitch: (bits & (1 << 15)) !== 0,
  };
}

/** The enabled slots that a trap has hit: those of DR6 that DR7 has on, in rising order. */
export function debugSlotsHit(dr6: bigint, dr7: bigint): DebugSlot[] {
  const { slots } = decodeDr6(dr6);
  return decodeDr7(dr7).filter(({ slot }) => slots.includes(slot));
}
