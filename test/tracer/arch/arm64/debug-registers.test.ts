import { describe, expect, it } from 'vitest';
import {
  decodeHwDebugState,
  encodeHwBreakpoint,
  encodeHwDebugState,
  encodeHwWatchpoint,
  HW_SLOT_OFF,
  type HwDebugSlot,
} from '../../../../lib/kernel/arch/arm64/debug-registers.js';
import { NT } from '../../../../lib/kernel/regsets.js';
import { TRAP } from '../../../../lib/kernel/siginfo.js';
import { SIG } from '../../../../lib/kernel/signals.js';
import { getRegset, setRegset } from '../../../../lib/raw/registers.js';
import type { Stop, Tracee } from '../../../../lib/tracer/index.js';
import { expectKind, within } from '../../../helpers/tracing.js';
import { A64, ARM64, atCode, breakpoint, step } from './code.js';

const setBreaks = ({ tid }: Tracee, ...slots: HwDebugSlot[]): number =>
  setRegset(tid, NT.ARM_HW_BREAK, encodeHwDebugState(slots));
const setWatches = ({ tid }: Tracee, ...slots: HwDebugSlot[]): number =>
  setRegset(tid, NT.ARM_HW_WATCH, encodeHwDebugState(slots));

async function watchpoint(next: PromiseLike<Stop>): Promise<Extract<Stop, { kind: 'watchpoint' }>> {
  return expectKind(await within(next, 'the watchpoint'), 'watchpoint');
}

describe.skipIf(!ARM64)('the debug registers of arm64 (arm64 only)', () => {
  it('are told with how many there are, and read back as they were set', async () => {
    const { tracee, started } = await atCode([A64.nop]);
    for (const type of [NT.ARM_HW_BREAK, NT.ARM_HW_WATCH]) {
      const state = decodeHwDebugState(getRegset(tracee.tid, type));
      expect(state.slotCount).toBeGreaterThanOrEqual(2);
      expect(state.debugArch).toBeGreaterThanOrEqual(6);
      expect(state.slots.slice(0, state.slotCount)).toEqual(Array(state.slotCount).fill(HW_SLOT_OFF));
    }
    const slot = encodeHwWatchpoint({ address: started.address('go') + 2n, length: 3, access: 'read-write' });
    setWatches(tracee, HW_SLOT_OFF, slot);
    const { slots } = decodeHwDebugState(getRegset(tracee.tid, NT.ARM_HW_WATCH));
    expect(slots[1]?.address).toBe(slot.address);
    // The kernel tells access, bytes and whether it is on; the privilege is its own affair.
    expect((slots[1]?.control ?? 0) & ~0b110).toBe(slot.control & ~0b110);
  });

  it('stop the tracee in front of an instruction, again and again until they are off', async () => {
    const { tracee, started } = await atCode([A64.nop, A64.nop, A64.nop, A64.nop]);
    const address = started.nops + 8n;
    setBreaks(tracee, HW_SLOT_OFF, encodeHwBreakpoint(address));
    for (let round = 0; round < 2; round++) {
      const stop = await breakpoint(tracee.resume());
      expect(stop.hardware).toBe(true);
      expect(stop.address).toBe(address);
      expect(stop.siginfo.code).toBe(TRAP.HWBKPT);
      expect(tracee.registers.pc).toBe(address);
    }
    setBreaks(tracee, HW_SLOT_OFF, HW_SLOT_OFF);
    await step(tracee);
    expect(tracee.registers.pc).toBe(address + 4n);
    setBreaks(tracee, HW_SLOT_OFF, encodeHwBreakpoint(address));
    tracee.registers.pc = started.nops;
    const again = await breakpoint(tracee.resume());
    expect(again.address).toBe(address);
    const end = await within(again.resume('cont', { signal: 'SIGTERM' }), 'the end');
    expect(expectKind(end, 'killed').signal).toBe(SIG.SIGTERM);
  });

  it('stop it in front of a store and of a load, each slot with its own bytes: watchpoints', async () => {
    const { tracee, started, word } = await atCode([A64.store, A64.storeByte, A64.load, A64.nop], (s) =>
      s
        .store('a', 7)
        .store('b', 7)
        .loop((t) => t.pause()),
    );
    const [a, b] = [started.address('a'), started.address('b')];
    const written = encodeHwWatchpoint({ address: a, length: 8, access: 'write' });
    const third = encodeHwWatchpoint({ address: b + 3n, length: 1, access: 'write' });
    const all = [written, third];
    setWatches(tracee, ...all);
    const { registers } = tracee;
    registers.set('x0', a);
    registers.set('x1', 0x1122n);
    const stop = await watchpoint(tracee.resume());
    expect(stop.address).toBe(a);
    expect(stop.signal).toBe(SIG.SIGTRAP);
    expect(stop.siginfo.code).toBe(TRAP.HWBKPT);
    expect(tracee.registers.pc).toBe(started.nops);
    expect(word('a')).toBe(0n);
    setWatches(tracee, HW_SLOT_OFF, HW_SLOT_OFF);
    await step(tracee);
    expect(word('a')).toBe(0x1122n);

    // A byte beside the watched one is not seen.
    setWatches(tracee, ...all);
    tracee.registers.set('x0', b + 2n);
    await step(tracee);
    expect(tracee.registers.pc).toBe(started.nops + 8n);
    tracee.registers.pc = started.nops + 4n;
    tracee.registers.set('x0', b + 3n);
    const second = await watchpoint(tracee.resume('step'));
    expect(second.address).toBe(b + 3n);
    expect(tracee.registers.pc).toBe(started.nops + 4n);

    // A load is no store.
    tracee.registers.pc = started.nops + 8n;
    tracee.registers.set('x0', a);
    await step(tracee);
    expect(tracee.registers.get('x2')).toBe(0x1122n);
    setWatches(tracee, encodeHwWatchpoint({ address: a, length: 8, access: 'read' }), HW_SLOT_OFF);
    tracee.registers.pc = started.nops + 8n;
    tracee.registers.set('x2', 0);
    expect((await watchpoint(tracee.resume())).address).toBe(a);
    expect(tracee.registers.get('x2')).toBe(0n);
  });

  it('kill with a watchpoint whose SIGTRAP is delivered', async () => {
    const { tracee, started } = await atCode([A64.nop], (s) => s.store('a', 1).pause());
    setWatches(tracee, encodeHwWatchpoint({ address: started.address('a'), length: 8, access: 'write' }));
    const stop = await watchpoint(tracee.resume());
    const end = await within(stop.resume('cont', { signal: stop.signal }), 'the end');
    expect(expectKind(end, 'killed').signal).toBe(SIG.SIGTRAP);
  });
});
