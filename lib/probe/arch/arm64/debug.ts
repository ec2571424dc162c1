/** Hardware breakpoints and watchpoints: two register sets. */
import {
  encodeHwBreakpoint,
  encodeHwDebugState,
  encodeHwWatchpoint,
  decodeHwDebugState,
  HW_SLOT_OFF,
  HW_DEBUG_MAX_SLOTS,
  type HwDebugSlot,
  type HwWatch,
} from '../../../kernel/arch/arm64/debug-registers.js';
import { NT } from '../../../kernel/regsets.js';
import { getRegset, setRegset } from '../../../raw/index.js';
import type { DebugUnit } from '../../arch-probe.js';

function set(tid: number, type: number, slots: readonly HwDebugSlot[]): void {
  // Slots that are not given keep what they have.
  const { slotCount } = decodeHwDebugState(getRegset(tid, type));
  const off = Array<HwDebugSlot>(Math.max(0, slotCount - slots.length)).fill(HW_SLOT_OFF);
  setRegset(tid, type, encodeHwDebugState([...slots, ...off]));
}

export const debug: DebugUnit = {
  mostSlots: HW_DEBUG_MAX_SLOTS,
  shared: false,
  lengths: [1, 2, 3, 4, 5, 6, 7, 8],
  accesses: ['read', 'write', 'read-write'],
  setBreakpoints: (tid, addresses) => set(tid, NT.ARM_HW_BREAK, addresses.map(encodeHwBreakpoint)),
  setWatchpoints: (tid, watches) =>
    set(
      tid,
      NT.ARM_HW_WATCH,
      watches.map((watch) => encodeHwWatchpoint(watch as HwWatch)),
    ),
};
