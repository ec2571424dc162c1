/** The debug registers, in the user area. */
import {
  DEBUG_SLOTS,
  type DebugAccess,
  type DebugLength,
  encodeDr7,
} from '../../../kernel/arch/x64/debug-registers.js';
import { debugRegisterOffset } from '../../../kernel/arch/x64/user-area.js';
import { pokeUser } from '../../../raw/index.js';
import type { DebugUnit } from '../../arch-probe.js';

const STATUS = 6;
const CONTROL = 7;

function set(
  tid: number,
  slots: readonly { readonly address: bigint; readonly access: DebugAccess; readonly length: DebugLength }[],
): void {
  pokeUser(tid, debugRegisterOffset(CONTROL), 0);
  slots.forEach(({ address }, slot) => pokeUser(tid, debugRegisterOffset(slot), address));
  pokeUser(tid, debugRegisterOffset(STATUS), 0);
  const control = encodeDr7(slots.map(({ access, length }, slot) => ({ slot, access, length })));
  pokeUser(tid, debugRegisterOffset(CONTROL), control);
}

export const debug: DebugUnit = {
  mostSlots: DEBUG_SLOTS,
  shared: true,
  lengths: [1, 2, 4, 8],
  accesses: ['write', 'read-write'],
  setBreakpoints: (tid, addresses) =>
    set(
      tid,
      addresses.map((address) => ({ address, access: 'execute', length: 1 })),
    ),
  setWatchpoints: (tid, watches) =>
    set(
      tid,
      watches.map(({ address, length, access }) => ({
        address,
        access: access as DebugAccess,
        length: length as DebugLength,
      })),
    ),
};
