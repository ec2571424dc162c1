/** AArch32 tracees of a 64-bit tracer: breakpoints, watchpoints, steps, signal frames. */
import {
  decodeHwDebugState,
  encodeHwBreakpoint,
  encodeHwDebugState,
  encodeHwWatchpoint,
  HW_SLOT_OFF,
  type HwDebugSlot,
} from '../../../../kernel/arch/arm64/debug-registers.js';
import { NT } from '../../../../kernel/regsets.js';
import { SIG } from '../../../../kernel/signals.js';
import * as raw from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { siginfoText } from '../../../describe.js';
import { scenario, suite, type Scenario } from '../../../scenario.js';
import { compat, debugging, ptraceView } from './arm32-sources.js';
import { ARM_BYTES, Arm32Tracee } from './arm32-tracee.js';

const ANSWER = 42;
/** The instructions of `answer` before its store, and with it. */
const TO_STORE = 3;
/** Which bytes of the word: the lower and the upper halfword. */
const LOWER_HALF = 0x3 << 5;
const ALL = 0xf << 5;
const HANDLER_MASK = 1 << (SIG.SIGUSR2 - 1);
const SA_SIGINFO = 4;
const SIGSET_BYTES = 8;

const set = (e: Actor, type: number, ...slots: readonly HwDebugSlot[]): string =>
  e.stage.attempt(() => raw.setRegset(e.tid, type, encodeHwDebugState(slots)));

/** `SIGTRAP TRAP_HWBKPT, errno 1, at answer`: the siginfo of a trap and where the tracee is. */
function observeTrap(tracee: Arm32Tracee, what = 'trap'): void {
  const { actor: e } = tracee;
  const info = raw.getSiginfo(e.tid).decoded;
  e.observe(what, `${siginfoText(info, (pid) => e.stage.nameOf(pid))}, errno ${info.errno}`);
  const past = tracee.registers().pc - tracee.code('answer');
  e.observe('at', past >= 0n && past <= 64n ? `instruction ${past / ARM_BYTES} of the function` : 'elsewhere');
}

function resume(tracee: Arm32Tracee): void {
  tracee.actor.cont();
  tracee.actor.wait();
  observeTrap(tracee);
}

export const arm32Debug: readonly Scenario[] = [
  scenario({
    id: 'arm32-breakpoint',
    title:
      'A breakpoint by NT_ARM_HW_BREAK stops an AArch32 tracee before the instruction, and si_errno names the slot',
    source: [ptraceView, debugging],
    tags: ['breakpoint', 'debug-registers', 'aarch32', 'siginfo'],
    rule:
      'As for 32-bit ARM, si_errno has the number that PTRACE_SETHBPREGS knows the slot by: 1, 3, 5 for the first, second, third breakpoint. For AArch64 ' +
      'tracees it is 0. The tracee does not get over the breakpoint while it is set.',
    arch: ['arm64'],
    since: '4.2',
    needs: ['arm32-programs', 'debug.breakpoints'],
    play(s) {
      const tracee = new Arm32Tracee(s, 'E', 'stop');
      const e = tracee.actor;
      const place = tracee.code('answer');
      tracee.goTo('answer');
      e.observe('SETREGSET of slot 0', set(e, NT.ARM_HW_BREAK, encodeHwBreakpoint(place)));
      resume(tracee);
      resume(tracee);
      e.observe(
        'SETREGSET of slot 1',
        set(e, NT.ARM_HW_BREAK, HW_SLOT_OFF, encodeHwBreakpoint(place + 2n * ARM_BYTES)),
      );
      resume(tracee);
      e.observe('SETREGSET of none', set(e, NT.ARM_HW_BREAK, HW_SLOT_OFF, HW_SLOT_OFF));
      resume(tracee);
    },
    expect: `
      E: SETREGSET of slot 0 = 0
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: trap = SIGTRAP TRAP_HWBKPT, errno 1
      E: at = instruction 0 of the function
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: trap = SIGTRAP TRAP_HWBKPT, errno 1
      E: at = instruction 0 of the function
      E: SETREGSET of slot 1 = 0
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: trap = SIGTRAP TRAP_HWBKPT, errno 3
      E: at = instruction 2 of the function
      E: SETREGSET of none = 0
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: trap = SIGTRAP TRAP_BRKPT, errno 0
      E: at = instruction 4 of the function
    `,
  }),

  scenario({
    id: 'arm32-watchpoint',
    title:
      'A watchpoint by NT_ARM_HW_WATCH stops an AArch32 tracee before its store, and si_errno names the slot by a negative number',
    source: [ptraceView, debugging],
    tags: ['watchpoint', 'debug-registers', 'aarch32', 'siginfo'],
    rule:
      'Watchpoints have the numbers -1, -3, -5 there, as PTRACE_SETHBPREGS has them. si_addr is the address of the access. The store is made when the slot is off ' +
      'and the tracee goes on.',
    arch: ['arm64'],
    since: '4.10',
    needs: ['arm32-programs', 'debug.watchpoints'],
    play(s) {
      for (const [name, slot] of [
        ['E', 0],
        ['F', 1],
      ] as const) {
        const tracee = new Arm32Tracee(s, name, 'stop');
        const e = tracee.actor;
        const place = tracee.address('value');
        const watch = encodeHwWatchpoint({ address: place, length: 4, access: 'write' });
        e.observe(
          `SETREGSET of slot ${slot}`,
          set(e, NT.ARM_HW_WATCH, ...Array<HwDebugSlot>(slot).fill(HW_SLOT_OFF), watch),
        );
        tracee.goTo('answer');
        resume(tracee);
        const info = raw.getSiginfo(e.tid).decoded;
        e.observe('si_addr is the word', info.kind === 'fault' && info.addr === place);
        e.observe('value', tracee.field('value'));
        set(e, NT.ARM_HW_WATCH, HW_SLOT_OFF, HW_SLOT_OFF);
        resume(tracee);
        e.observe('value', tracee.field('value'));
      }
    },
    expect: (
      [
        ['E', 0, -1],
        ['F', 1, -3],
      ] as const
    )
      .map(
        ([name, slot, errno]) => `
          ${name}: SETREGSET of slot ${slot} = 0
          ${name}: CONT = 0
          ${name}: wait = stopped by SIGTRAP
          ${name}: trap = SIGTRAP TRAP_HWBKPT, errno ${errno}
          ${name}: at = instruction ${TO_STORE} of the function
          ${name}: si_addr is the word = true
          ${name}: value = 0
          ${name}: CONT = 0
          ${name}: wait = stopped by SIGTRAP
          ${name}: trap = SIGTRAP TRAP_BRKPT, errno 0
          ${name}: at = instruction 4 of the function
          ${name}: value = ${ANSWER}
        `,
      )
      .join(''),
  }),

  scenario({
    id: 'arm32-breakpoint-lengths',
    title:
      'A breakpoint of an AArch32 tracee may be on a halfword; for AArch64 length and address are rounded to a word',
    source: [debugging],
    tags: ['breakpoint', 'debug-registers', 'aarch32', 'errors'],
    rule:
      'Thumb instructions have 2 or 4 bytes and begin at even addresses, so a length must fit to its place in the word. For an AArch64 tracee the kernel takes ' +
      'any length and address, without an error. What is read back is the address of the word for both.',
    arch: ['arm64'],
    since: '4.10',
    needs: ['arm32-programs', 'debug.breakpoints'],
    play(s) {
      const tracee = new Arm32Tracee(s, 'E', 'stop');
      const native = s.tracee('F', (c) => c.pause());
      const attempt = (e: Actor, what: string, address: bigint, bytes: number): void => {
        const { control } = encodeHwBreakpoint(0n);
        const slot = { address, control: (control & ~ALL) | bytes };
        const result = set(e, NT.ARM_HW_BREAK, slot);
        const back = decodeHwDebugState(raw.getRegset(e.tid, NT.ARM_HW_BREAK)).slots[0]?.address;
        const word = back === (address & ~3n) ? ', read back as its word' : ', read back as another';
        e.observe(`SETREGSET, ${what}`, result === '0' ? `0${word}` : result);
        set(e, NT.ARM_HW_BREAK, HW_SLOT_OFF);
      };
      for (const [e, place] of [
        [tracee.actor, tracee.code('answer')],
        [native, native.child.nops],
      ] as const) {
        attempt(e, '4 bytes', place, ALL);
        attempt(e, 'the lower halfword', place, LOWER_HALF);
        attempt(e, '2 bytes at an odd halfword', place + 2n, LOWER_HALF);
        attempt(e, '4 bytes at an odd halfword', place + 2n, ALL);
        attempt(e, '2 bytes at an odd address', place + 1n, LOWER_HALF);
      }
    },
    expect: `
      E: SETREGSET, 4 bytes = 0, read back as its word
      E: SETREGSET, the lower halfword = 0, read back as its word
      E: SETREGSET, 2 bytes at an odd halfword = 0, read back as its word
      E: SETREGSET, 4 bytes at an odd halfword = EINVAL
      E: SETREGSET, 2 bytes at an odd address = 0, read back as its word
      F: SETREGSET, 4 bytes = 0, read back as its word
      F: SETREGSET, the lower halfword = 0, read back as its word
      F: SETREGSET, 2 bytes at an odd halfword = 0, read back as its word
      F: SETREGSET, 4 bytes at an odd halfword = 0, read back as its word
      F: SETREGSET, 2 bytes at an odd address = 0, read back as its word
    `,
  }),

  scenario({
    id: 'arm32-step',
    title:
      'SINGLESTEP of an AArch32 tracee executes one instruction, with the CPU’s help and no breakpoint in the program',
    source: [debugging, compat],
    tags: ['step', 'aarch32', 'siginfo'],
    rule: 'The step of arm64 works for both ABIs. 32-bit kernels of ARM have none, so debuggers there decode instructions and set breakpoints behind them.',
    arch: ['arm64'],
    since: '3.7',
    needs: ['arm32-programs', 'step.single'],
    play(s) {
      const tracee = new Arm32Tracee(s, 'E', 'stop');
      const e = tracee.actor;
      tracee.goTo('answer');
      for (let step = 0; step < TO_STORE + 1; step++) {
        e.step();
        e.wait();
        observeTrap(tracee);
      }
      e.observe('value', tracee.field('value'));
      resume(tracee);
    },
    expect: `
      ${[1, 2, 3, 4]
        .map(
          (step) => `
          E: SINGLESTEP = 0
          E: wait = stopped by SIGTRAP
          E: trap = SIGTRAP TRAP_TRACE, errno 0
          E: at = instruction ${step} of the function`,
        )
        .join('')}
      E: value = ${ANSWER}
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: trap = SIGTRAP TRAP_BRKPT, errno 0
      E: at = instruction 4 of the function
    `,
  }),

  scenario({
    id: 'arm32-signal-frame',
    title:
      'A signal of an AArch32 tracee is delivered with the frame of 32-bit ARM: number in r0, siginfo in r1, context in r2',
    source: [compat, suite('ptrace-tests', 'step-into-handler')],
    tags: ['signals', 'step', 'injection', 'aarch32'],
    rule:
      'At the stop that a step into the handler gives, the frame is on the stack, aligned to 8 bytes, and lr leads to code of the kernel’s that returns from it. ' +
      'The siginfo there has the layout of 32 bits, while GETSIGINFO has given that of the tracer.',
    arch: ['arm64'],
    since: '3.7',
    needs: ['arm32-programs', 'step.single'],
    play(s) {
      const tracee = new Arm32Tracee(s, 'E', 'stop');
      const e = tracee.actor;
      tracee.write(tracee.scratch, tracee.code('answer'), SA_SIGINFO, 0, HANDLER_MASK, 0);
      e.observe('rt_sigaction', tracee.call('rt_sigaction', SIG.SIGUSR1, tracee.scratch, 0, SIGSET_BYTES));
      const before = tracee.registers();
      e.kill('SIGUSR1');
      e.cont();
      e.wait();
      e.siginfo();
      e.step('SIGUSR1');
      e.wait();
      const registers = tracee.registers();
      e.observe('at the handler', registers.pc === tracee.code('answer'));
      e.observe('r0', registers.r0);
      e.observe('sp', registers.sp < before.sp && registers.sp % 8n === 0n ? 'lower, aligned' : 'another');
      const siginfo = new Int32Array(4);
      raw.processVmRead(e.tid, registers.r1, siginfo);
      const [signal, errno, code, pid] = siginfo;
      e.observe('siginfo', `${signal} ${errno} ${code} from ${s.nameOf(pid ?? 0)}`);
      e.observe('context behind it', registers.r2 > registers.r1 && registers.r2 < before.sp);
      e.sigmask();
      e.observe('lr is out of the program', registers.lr !== before.lr && registers.lr !== before.pc);
    },
    expect: `
      E: rt_sigaction = 0
      E: kill SIGUSR1 = 0
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: siginfo = SIGUSR1 SI_USER from R
      E: SINGLESTEP SIGUSR1 = 0
      E: wait = stopped by SIGTRAP
      E: at the handler = true
      E: r0 = 10
      E: sp = lower, aligned
      E: siginfo = 10 0 0 from R
      E: context behind it = true
      E: sigmask = SIGUSR1 SIGUSR2
      E: lr is out of the program = true
    `,
  }),
];
