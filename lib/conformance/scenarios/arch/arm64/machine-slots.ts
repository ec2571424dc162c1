/** The slots of breakpoints and watchpoints of arm64: what is refused, what a tracee keeps, which accesses they see. */
import {
  decodeHwDebugState,
  encodeHwBreakpoint,
  encodeHwDebugState,
  encodeHwWatchpoint,
  HW_SLOT_OFF,
  type HwDebugSlot,
} from '../../../../kernel/arch/arm64/debug-registers.js';
import { PTRACE_O } from '../../../../kernel/options.js';
import { NT } from '../../../../kernel/regsets.js';
import * as raw from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { tinyProgram } from '../../../parts/programs.js';
import { commit, scenario, suite, type Scenario } from '../../../scenario.js';

const debugging = commit('478fcb2cdb23', 'arm64: Debugging support');
const selftest = suite('selftests', 'breakpoint_test_arm64.c');

const KERNEL = 0xffff_0000_0000_0000n;
/** Bits 3 and 4 of a control: the access; 0 is that of a breakpoint. */
const ACCESS = 3 << 3;
const STORE = 2 << 3;

const set = (e: Actor, type: number, ...slots: readonly HwDebugSlot[]): string =>
  e.stage.attempt(() => raw.setRegset(e.tid, type, encodeHwDebugState(slots)));

/** Which slots are on. */
function slotsOn(e: Actor, type: number): string {
  const { slots } = decodeHwDebugState(raw.getRegset(e.tid, type));
  const on = slots.flatMap(({ control }, index) => ((control & 1) === 0 ? [] : [index]));
  return on.length === 0 ? 'none' : on.join(' ');
}

export const armSlots: readonly Scenario[] = [
  scenario({
    id: 'hwbp-arm64-errors',
    title: 'A slot that the CPU does not have, an address of the kernel, and an access of the other kind are refused',
    source: [debugging],
    tags: ['breakpoint', 'watchpoint', 'debug-registers', 'errors'],
    rule:
      'How many slots there are is in the first byte of the set; one more is ENOSPC. What the slot asks for is checked when it is switched on: a breakpoint has no ' +
      'access, a watchpoint needs one, and no tracer watches the kernel.',
    arch: ['arm64'],
    needs: ['debug.breakpoints', 'debug.watchpoints'],
    play(s) {
      const e = s.tracee('E', (c) => c.nops().exitGroup(0));
      const place = e.child.nops;
      const { slotCount } = decodeHwDebugState(raw.getRegset(e.tid, NT.ARM_HW_BREAK));
      const on = encodeHwBreakpoint(place);
      const all = Array.from({ length: slotCount }, (_, index) => encodeHwBreakpoint(place + 4n * BigInt(index)));
      e.observe('all slots', set(e, NT.ARM_HW_BREAK, ...all));
      e.observe('they are on', slotsOn(e, NT.ARM_HW_BREAK) === all.map((_, index) => index).join(' '));
      if (slotCount < 16) e.observe('one slot more', set(e, NT.ARM_HW_BREAK, ...all, on));
      else s.skip('this CPU has all the slots that there can be');
      set(e, NT.ARM_HW_BREAK, ...all.map(() => HW_SLOT_OFF));
      e.observe('breakpoint in the kernel', set(e, NT.ARM_HW_BREAK, { ...on, address: KERNEL }));
      e.observe('breakpoint on stores', set(e, NT.ARM_HW_BREAK, { ...on, control: on.control | STORE }));
      const watch = encodeHwWatchpoint({ address: place & ~7n, length: 8, access: 'write' });
      e.observe('watchpoint in the kernel', set(e, NT.ARM_HW_WATCH, { ...watch, address: KERNEL }));
      e.observe(
        'watchpoint without an access',
        set(e, NT.ARM_HW_WATCH, { ...watch, control: watch.control & ~ACCESS }),
      );
      e.observe('they are on', slotsOn(e, NT.ARM_HW_BREAK) !== 'none' || slotsOn(e, NT.ARM_HW_WATCH) !== 'none');
    },
    expect: `
      E: all slots = 0
      E: they are on = true
      E: one slot more = ENOSPC
      E: breakpoint in the kernel = EINVAL
      E: breakpoint on stores = EINVAL
      E: watchpoint in the kernel = EINVAL
      E: watchpoint without an access = EINVAL
      E: they are on = false
    `,
  }),

  scenario({
    id: 'hwbp-arm64-lifetime',
    title: 'Breakpoints and watchpoints are the task’s own: a child has none of its parent’s, and an execve ends them',
    source: [debugging],
    tags: ['breakpoint', 'watchpoint', 'debug-registers', 'fork', 'exec'],
    rule: 'A debugger that follows forks sets its slots again in each new task, and after each execve.',
    arch: ['arm64'],
    needs: ['debug.breakpoints', 'debug.watchpoints'],
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .fork((child) => child.loop((again) => again.pause()))
            .exec(tinyProgram(), ['tiny'])
            .exitGroup(1),
        { options: PTRACE_O.TRACEFORK | PTRACE_O.TRACEEXEC },
      );
      const observe = (actor: Actor): void => {
        actor.observe('breakpoints', slotsOn(actor, NT.ARM_HW_BREAK));
        actor.observe('watchpoints', slotsOn(actor, NT.ARM_HW_WATCH));
      };
      e.observe('SETREGSET of a breakpoint', set(e, NT.ARM_HW_BREAK, encodeHwBreakpoint(e.child.nops)));
      const watch = encodeHwWatchpoint({ address: e.address('nothing') & ~7n, length: 8, access: 'write' });
      e.observe('SETREGSET of a watchpoint', set(e, NT.ARM_HW_WATCH, watch));
      observe(e);
      e.cont();
      e.wait();
      const f = e.newTask('F');
      f.wait();
      observe(f);
      observe(e);
      e.cont();
      e.wait();
      observe(e);
    },
    expect: `
      E: SETREGSET of a breakpoint = 0
      E: SETREGSET of a watchpoint = 0
      E: breakpoints = 0
      E: watchpoints = 0
      E: CONT = 0
      E: wait = event FORK
      E: event message = F
      F: wait = event STOP SIGTRAP
      F: breakpoints = none
      F: watchpoints = none
      E: breakpoints = 0
      E: watchpoints = 0
      E: CONT = 0
      E: wait = event EXEC
      E: breakpoints = none
      E: watchpoints = none
    `,
  }),

  scenario({
    id: 'hwbp-arm64-access',
    title: 'A watchpoint of arm64 sees loads, stores or both, as its access says',
    source: [selftest, debugging],
    tags: ['watchpoint', 'debug-registers'],
    rule: 'arm64 can watch loads alone, which x86 cannot. The stop is before the access in each case.',
    arch: ['arm64'],
    needs: ['debug.watchpoints'],
    play(s) {
      for (const access of ['read', 'write', 'read-write'] as const) {
        const hits: string[] = [];
        for (const kind of ['load', 'store'] as const) {
          const e = s.tracee('E', (c) => {
            c.buffer('area', 64).tgkillSelf('SIGUSR1');
            if (kind === 'store') c.storeAt(c.address('area'), 1, 8);
            else c.loadAt(c.address('area'));
            c.tgkillSelf('SIGUSR2').exitGroup(0);
          });
          s.unrecorded(() => {
            e.cont();
            e.wait();
            const watch = encodeHwWatchpoint({ address: e.address('area') & ~7n, length: 8, access });
            s.require(set(e, NT.ARM_HW_WATCH, watch) === '0', 'the watchpoint is set');
            e.cont();
            e.wait();
          });
          const { signal, codeName } = raw.getSiginfo(e.tid).decoded;
          if (codeName === 'TRAP_HWBKPT') hits.push(kind);
          else s.require(signal === 12, 'it came to its second signal');
        }
        s.observe(`watchpoint, ${access}`, hits.join(' '));
      }
    },
    expect: `
      watchpoint, read = load
      watchpoint, write = store
      watchpoint, read-write = load store
    `,
  }),
];
