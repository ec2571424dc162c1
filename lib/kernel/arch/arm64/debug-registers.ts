/*
 * Hardware breakpoints and watchpoints of arm64: the register sets NT_ARM_HW_BREAK and NT_ARM_HW_WATCH hold struct
 * user_hwdebug_state.
 *
 *    0 u32 dbg_info: bits 0-7 the number of slots, bits 8-15 the debug architecture   4 u32 pad
 *    8 + 16n: u64 address   +8 u32 control   +12 u32 pad
 *
 * Control: bit 0 enabled, 1-2 privilege, 3-4 access (1 load, 2 store; 0 for a breakpoint), 5-12 byte address select
 * (BAS): one bit a byte of the aligned word that the address names.
 *
 * Source: arch/arm64 uapi/asm/ptrace.h; Arm ARM, DBGWCR and DBGBCR.
 */

/** The most slots the structure has room for. How many the CPU has is in `slots` of {@link decodeHwDebugState}. */
export const HW_DEBUG_MAX_SLOTS = 16;

/** The size of struct user_hwdebug_state. A SETREGSET may be shorter: header plus the slots to be set. */
export const HW_DEBUG_STATE_SIZE = 8 + HW_DEBUG_MAX_SLOTS * 16;

const ENABLED = 1;
const PRIVILEGE_EL0 = 2 << 1;
const LOAD = 1;
const STORE = 2;

/** Address and control of one slot, as the register set has them. */
export interface HwDebugSlot {
  readonly address: bigint;
  readonly control: number;
}

/** The whole register set. */
export interface HwDebugState {
  /** How many slots the CPU has. */
  readonly slotCount: number;
  /** The version of the debug architecture, 6 for Armv8. */
  readonly debugArch: number;
  /** The slots that were read. */
  readonly slots: readonly HwDebugSlot[];
}

/**
 * Decode a register set of PTRACE_GETREGSET with NT_ARM_HW_BREAK or NT_ARM_HW_WATCH.
 *
 * @throws RangeError when there are fewer than 8 bytes
 */
export function decodeHwDebugState(bytes: Uint8Array): HwDebugState {
  if (bytes.byteLength < 8)
    throw new RangeError(`a hardware debug state has at least 8 bytes, not ${bytes.byteLength}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const info = view.getUint32(0, true);
  const slots: HwDebugSlot[] = [];
  for (let at = 8; at + 16 <= bytes.byteLength && slots.length < HW_DEBUG_MAX_SLOTS; at += 16) {
    slots.push({ address: view.getBigUint64(at, true), control: view.getUint32(at + 8, true) });
  }
  return { slotCount: info & 0xff, debugArch: (info >>> 8) & 0xff, slots };
}

/**
 * The bytes for PTRACE_SETREGSET. All slots up to the last given one are set; the kernel ignores the header.
 *
 * @throws RangeError for more than 16 slots
 */
export function encodeHwDebugState(slots: readonly HwDebugSlot[]): Uint8Array {
  if (slots.length > HW_DEBUG_MAX_SLOTS)
    throw new RangeError(`want at most ${HW_DEBUG_MAX_SLOTS} slots, not ${slots.length}`);
  const bytes = new Uint8Array(8 + slots.length * 16);
  const view = new DataView(bytes.buffer);
  slots.forEach(({ address, control }, index) => {
    view.setBigUint64(8 + index * 16, address, true);
    view.setUint32(16 + index * 16, control, true);
  });
  return bytes;
}

/** A slot that is off. */
export const HW_SLOT_OFF: HwDebugSlot = { address: 0n, control: 0 };

/**
 * The slot for a breakpoint on an A64 or A32 instruction.
 *
 * @throws RangeError when the address is no multiple of 4
 */
export function encodeHwBreakpoint(address: bigint): HwDebugSlot {
  if ((address & 3n) !== 0n)
    throw new RangeError(`a hardware breakpoint wants an address that is a multiple of 4, not ${address}`);
  return { address, control: ENABLED | PRIVILEGE_EL0 | (0xf << 5) };
}

/** What a watchpoint watches. */
export interface HwWatch {
  readonly address: bigint;
  /** 1 to 8 bytes that do not cross a multiple of 8; any number of them since Linux 4.10. */
  readonly length: number;
  readonly access: 'read' | 'write' | 'read-write';
}

/**
 * The slot for a watchpoint: the address goes down to a multiple of 8, the bytes are selected by BAS.
 *
 * @throws RangeError for a bad length or access, or bytes that cross a multiple of 8 (use two slots)
 */
export function encodeHwWatchpoint({ address, length, access }: HwWatch): HwDebugSlot {
  const offset = Number(address & 7n);
  if (!Number.isInteger(length) || length < 1 || offset + length > 8) {
    throw new RangeError(
      `a watchpoint wants 1 to 8 bytes within one aligned word of 8, not ${String(length)} at ${address}`,
    );
  }
  const direction = { read: LOAD, write: STORE, 'read-write': LOAD | STORE }[access] as number | undefined;
  if (direction === undefined) throw new RangeError('the access of a watchpoint is read, write or read-write');
  const bas = ((1 << length) - 1) << offset;
  return { address: address & ~7n, control: ENABLED | PRIVILEGE_EL0 | (direction << 3) | (bas << 5) };
}

/** What a slot watches, or undefined for one that is off or selects no bytes in a row. */
export function decodeHwWatchpoint({ address, control }: HwDebugSlot): HwWatch | undefined {
  const direction = (control >>> 3) & 3;
  const bas = (control >>> 5) & 0xff;
  if ((control & ENABLED) === 0 || direction === 0 || bas === 0) return undefined;
  const offset = 31 - Math.clz32(bas & -bas);
  const run = bas >>> offset;
  if ((run & (run + 1)) !== 0) return undefined;
  const access = direction === LOAD ? 'read' : direction === STORE ? 'write' : 'read-write';
  return { address: address + BigInt(offset), length: 32 - Math.clz32(run), access };
}
