/** Breakpoints and watchpoints of arm64: two register sets. */
import {
  decodeHwDebugState,
  encodeHwBreakpoint,
  encodeHwDebugState,
  encodeHwWatchpoint,
  HW_SLOT_OFF,
  type HwDebugSlot,
  type HwWatch,
} from '../../../../kernel/arch/arm64/debug-registers.js';
import { NT } from '../../../../kernel/regsets.js';
import { SIG } from '../../../../kernel/signals.js';
import type { ChildScript, Part } from '../../../../raw/child.js';
import * as raw from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { siginfoText } from '../../../describe.js';
import { toNextReport } from '../../../parts/system-calls.js';
import { commit, scenario, suite, type Scenario } from '../../../scenario.js';

const AREA_BYTES = 64;
const WORD = 8n;

/** A part that stores once in the area, at the offset in `offset`, with the width given, for ever by CONT from SIGUSR1. */
const storer =
  (width: 1 | 4 | 8): Part =>
  (c: ChildScript) =>
    c
      .buffer('area', AREA_BYTES)
      .store('offset', 0)
      .loop((again) =>
        again
          .tgkillSelf('SIGUSR1')
          .compute(again.address('area'), 'add', again.word('offset'), 1)
          .storeAt(again.register(1), 1, width),
      );

function set(e: Actor, type: number, ...slots: readonly HwDebugSlot[]): string {
  return e.stage.attempt(() => raw.setRegset(e.tid, type, encodeHwDebugState(slots)));
}

/** Whether the next store stops it, and by what, up to its next SIGUSR1. */
function hit(e: Actor, watch: HwWatch): string {
  const { stage } = e;
  return stage.unrecorded(() => {
    e.mustSucceed(e.cont(), 'CONT');
    const status = e.wait();
    if (status?.kind !== 'stopped') return 'another report';
    const info = raw.getSiginfo(e.tid).decoded;
    if (info.signal !== SIG.SIGTRAP) return 'no';
    const within =
      info.kind === 'fault' && info.addr >= watch.address && info.addr < watch.address + BigInt(watch.length);
    // The slot fires before the store: without it the tracee gets on.
    set(e, NT.ARM_HW_WATCH, HW_SLOT_OFF);
    e.mustSucceed(e.cont(), 'CONT');
    e.wait();
    return `${siginfoText(info, (pid) => stage.nameOf(pid))}, si_addr ${within ? 'within' : 'elsewhere'}`;
  });
}

export const armWatchpoints: readonly Scenario[] = [
  scenario({
    id: 'aarch64-watchpoint',
    title: 'A watchpoint by NT_ARM_HW_WATCH on one byte of an aligned word stops the tracee at a store to that byte',
    source: [
      suite('ptrace-tests', 'aarch64-watchpoint'),
      commit('b08fb180bb88', 'arm64: Allow hw watchpoint at varied offset from base address'),
    ],
    tags: ['watchpoint', 'debug-registers'],
    rule:
      'The slot names a word and selects bytes of it. Selections that do not begin with its first byte work since 4.10; debuggers could only watch what was ' +
      'aligned before. The stop is before the store.',
    arch: ['arm64'],
    needs: ['debug.watchpoints'],
    since: '4.10',
    play(s) {
      const e = s.tracee('E', storer(1), { by: 'traceme' });
      toNextReport(e);
      const byte = { address: e.address('area') + 1n, length: 1, access: 'write' } as const;
      e.setWord('offset', 1n);
      e.observe('SETREGSET', set(e, NT.ARM_HW_WATCH, encodeHwWatchpoint(byte)));
      e.cont();
      e.wait();
      e.siginfo();
      e.observe('the byte', (e.wordAt(e.address('area')) >> WORD) & 0xffn);
      set(e, NT.ARM_HW_WATCH, HW_SLOT_OFF);
      e.cont();
      e.wait();
      e.observe('the byte', (e.wordAt(e.address('area')) >> WORD) & 0xffn);
    },
    expect: `
      E: SETREGSET = 0
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_HWBKPT
      E: the byte = 0
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: the byte = 1
    `,
  }),

  scenario({
    id: 'hwbp-arm64',
    title: 'A watchpoint of 1, 2, 4 or 8 bytes stops at a store to each of its bytes, and not at one beside them',
    source: [suite('selftests', 'breakpoint_test_arm64.c')],
    tags: ['watchpoint', 'breakpoint', 'debug-registers'],
    rule:
      'The siginfo is that of TRAP_HWBKPT with the address of the access, which lies within what is watched. A store to the byte before or behind does not ' +
      'stop. A breakpoint by NT_ARM_HW_BREAK stops before its instruction.',
    arch: ['arm64'],
    needs: ['debug.watchpoints', 'debug.breakpoints'],
    since: '4.10',
    play(s) {
      const e = s.tracee('E', storer(1), { by: 'traceme' });
      toNextReport(e);
      const { slotCount } = decodeHwDebugState(raw.getRegset(e.tid, NT.ARM_HW_WATCH));
      e.observe('there are slots', slotCount > 0);
      for (const length of [1, 2, 4, 8]) {
        const within = new Set<string>();
        const beside = new Set<string>();
        for (let offset = 8; offset + length <= 16; offset += length) {
          const watch = { address: e.address('area') + BigInt(offset), length, access: 'write' } as const;
          for (let at = offset - 1; at <= offset + length; at++) {
            e.setWord('offset', BigInt(at));
            s.require(set(e, NT.ARM_HW_WATCH, encodeHwWatchpoint(watch)) === '0', 'the watchpoint is set');
            (at >= offset && at < offset + length ? within : beside).add(hit(e, watch));
          }
        }
        e.observe(`${length} bytes, store within`, [...within].join('; '));
        e.observe(`${length} bytes, store beside`, [...beside].join('; '));
      }
    },
    expect: `
      E: there are slots = true
      ${[1, 2, 4, 8]
        .map(
          (length) => `
      E: ${length} bytes, store within = SIGTRAP TRAP_HWBKPT, si_addr within
      E: ${length} bytes, store beside = no`,
        )
        .join('')}
    `,
  }),

  scenario({
    id: 'hwbp-arm64-execute',
    title: 'A breakpoint by NT_ARM_HW_BREAK stops the tracee before the instruction, also when it goes on there',
    source: [suite('selftests', 'breakpoint_test_arm64.c')],
    tags: ['breakpoint', 'debug-registers'],
    rule:
      'The CPU stops before the instruction is executed. Unlike on x86 the kernel does not lead a tracee over the breakpoint of its tracer: one that goes on ' +
      'with it hits it again at once. A debugger takes it off for a step.',
    arch: ['arm64'],
    needs: ['debug.breakpoints'],
    play(s) {
      const e = s.tracee('E', (c) => c.nops().exitGroup(0), { by: 'traceme' });
      const place = e.child.nops + 4n;
      e.observe('SETREGSET', set(e, NT.ARM_HW_BREAK, encodeHwBreakpoint(place)));
      for (let turn = 0; turn < 2; turn++) {
        e.cont();
        e.wait();
        e.siginfo();
        e.observe('at the instruction', e.registers().pc === place);
      }
      e.observe('SETREGSET off', set(e, NT.ARM_HW_BREAK, HW_SLOT_OFF));
      e.cont();
      e.wait();
    },
    expect: `
      E: SETREGSET = 0
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_HWBKPT
      E: at the instruction = true
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_HWBKPT
      E: at the instruction = true
      E: SETREGSET off = 0
      E: CONT = 0
      E: wait = exited 0
    `,
  }),
];
