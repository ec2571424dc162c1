/** Breakpoints and watchpoints in the debug registers. */
import { type DebugAccess, type DebugLength, encodeDr7 } from '../../../../kernel/arch/x64/debug-registers.js';
import { debugRegisterOffset } from '../../../../kernel/arch/x64/user-area.js';
import { SIG } from '../../../../kernel/signals.js';
import * as raw from '../../../../raw/index.js';
import { manual, scenario, suite, type Scenario } from '../../../scenario.js';
import { arm, DR6, DR7, pokeDebug, takeStatus } from './debug-slots.js';
import { skipUnderTcg } from './emulator.js';
import { I386Tracee } from './i386-tracee.js';
import { type CodeTracee, codeTracee, I } from './machine-code.js';

const NOTHING = 'nothing';

/** A slot may be enabled for the task, for all, or for both: the kernel makes no difference. */
const ENABLES = [1, 2, 3] as const;

/** DR7 of a slot with other enable bits than the local one. */
function controlOf(slot: number, access: DebugAccess, length: DebugLength, enable: number): bigint {
  const local = encodeDr7([{ slot, access, length }]);
  return (local & ~(3n << BigInt(2 * slot))) | (BigInt(enable) << BigInt(2 * slot));
}

/** One row of the matrix: the instruction that hits, and where it stops. */
interface Kind {
  readonly name: string;
  readonly access: DebugAccess;
  readonly length: DebugLength;
  readonly hit: readonly number[];
  /** A breakpoint stops before its instruction, a watchpoint behind it. */
  readonly stops: 'before' | 'behind';
}

const LENGTHS = [1, 2, 4, 8] as const;

const KINDS: readonly Kind[] = [
  { name: 'execute', access: 'execute', length: 1, hit: I.nop, stops: 'before' },
  ...LENGTHS.map((length): Kind => ({
    name: `write of ${length}`,
    access: 'write',
    length,
    hit: I.store(length, 1),
    stops: 'behind',
  })),
  ...LENGTHS.map((length): Kind => ({
    name: `read of ${length}`,
    access: 'read-write',
    length,
    hit: I.load(length),
    stops: 'behind',
  })),
];

/** Runs over one access with a slot on: where it stopped and why, in words. */
function hit(tracee: CodeTracee, { access, length, hit: instruction }: Kind, slot: number, enable: number): string {
  const { actor } = tracee;
  return actor.stage.unrecorded(() => {
    tracee.write([I.nop, instruction, I.nop, I.int3]);
    tracee.goTo();
    const address = access === 'execute' ? tracee.code + 1n : tracee.data;
    raw.pokeUser(actor.tid, debugRegisterOffset(DR7), 0);
    raw.pokeUser(actor.tid, debugRegisterOffset(slot), address);
    raw.pokeUser(actor.tid, debugRegisterOffset(DR7), controlOf(slot, access, length, enable));
    raw.pokeUser(actor.tid, debugRegisterOffset(DR6), 0);
    actor.mustSucceed(actor.cont(), 'CONT');
    const status = actor.wait();
    const signal = status?.kind === 'stopped' ? status.signal : 0;
    const dr6 = Number(raw.peekUser(actor.tid, debugRegisterOffset(DR6)) & 0xfn);
    const behind = String(1 + instruction.length);
    const place = tracee.place === '1' ? 'before' : tracee.place === behind ? 'behind' : `at ${tracee.place}`;
    return signal === SIG.SIGTRAP && dr6 === 1 << slot ? place : `${place} by ${signal}, DR6 ${dr6}`;
  });
}

export const watchpoints: readonly Scenario[] = [
  scenario({
    id: 'watchpoint',
    title: 'A watchpoint in the debug registers stops the tracee with SIGTRAP behind the store',
    source: [suite('ptrace-tests', 'watchpoint')],
    tags: ['watchpoint', 'debug-registers'],
    rule:
      'A tracer sets DR0 to the address and DR7 to the condition by POKEUSER. The CPU traps when the store has been done, DR6 tells the slot. The ' +
      'enable bits for the task and for all mean the same here: the kernel lets watchpoints of one task never see another.',
    arch: ['x64'],
    needs: ['debug.watchpoints'],
    play(s) {
      const tracee = codeTracee(s, 'E', [I.nop, I.store(8, 1), I.store(8, 2, 8), I.int3]);
      const e = tracee.actor;
      pokeDebug(e, 0, tracee.data);
      pokeDebug(e, DR7, controlOf(0, 'write', 8, 3), 'dr7, write of 8 bytes');
      e.cont();
      e.wait();
      e.siginfo();
      tracee.observePlace();
      e.observe('the word', e.wordAt(tracee.data));
      takeStatus(e);
      e.cont();
      e.wait();
      tracee.observePlace();
      takeStatus(e);
    },
    expect: `
      E: POKEUSER dr0 = 0
      E: POKEUSER dr7, write of 8 bytes = 0
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_HWBKPT
      E: rip = 9
      E: the word = 1
      E: DR6 = slot 0
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: rip = 18
      E: DR6 = ${NOTHING}
    `,
  }),

  scenario({
    id: 'watchpoint-32bit',
    title: 'A 64-bit tracer’s watchpoint of 4 bytes stops a 32-bit tracee behind its store',
    source: [suite('ptrace-tests', 'watchpoint-32bit')],
    tags: ['watchpoint', 'debug-registers', 'i386'],
    rule: 'The user area of a 64-bit tracer has the debug registers of any tracee. Those of 8 bytes are for it as well.',
    arch: ['x64'],
    needs: ['debug.watchpoints', 'i386-programs'],
    play(s) {
      const { actor: e, shared, goTo, value } = new I386Tracee(s, 'E', 'stop');
      arm(e, { address: shared, access: 'write', length: 4 });
      goTo('answer');
      e.cont();
      e.wait();
      e.observe('the word', value());
      takeStatus(e);
      e.cont();
      e.wait();
      takeStatus(e);
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: the word = 42
      E: DR6 = slot 0
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: DR6 = ${NOTHING}
    `,
  }),

  scenario({
    id: 'watchpoint-zeroaddr',
    title: 'DR7 may be set before the address of the slot, which is 0 then',
    source: [suite('ptrace-tests', 'watchpoint-zeroaddr')],
    tags: ['watchpoint', 'debug-registers', 'errors'],
    rule:
      'An address of 0 is one like any other. Debuggers write DR7 first, and the address when the slot is on already: it moves there. The kernels that ' +
      'began to keep the debug registers as perf events refused it.',
    history: 'EINVAL in 2.6.33 to 3.1.',
    arch: ['x64'],
    needs: ['debug.watchpoints'],
    play(s) {
      const tracee = codeTracee(s, 'E', [I.nop, I.store(8, 1), I.int3]);
      const e = tracee.actor;
      pokeDebug(e, DR7, controlOf(0, 'write', 8, 1), 'dr7, write of 8 bytes');
      pokeDebug(e, 0, tracee.data);
      e.cont();
      e.wait();
      tracee.observePlace();
      takeStatus(e);
    },
    expect: `
      E: POKEUSER dr7, write of 8 bytes = 0
      E: POKEUSER dr0 = 0
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: rip = 9
      E: DR6 = slot 0
    `,
  }),

  scenario({
    id: 'hwbp-matrix',
    title: 'Every slot stops at every kind of access and length, with either enable bit; INT3 stops beside them',
    source: [suite('selftests', 'breakpoint_test.c')],
    tags: ['breakpoint', 'watchpoint', 'debug-registers'],
    rule:
      'A breakpoint stops before its instruction, a watchpoint behind the access; DR6 has the bit of the slot and no other. INT3 is a SIGTRAP of its ' +
      'own.',
    arch: ['x64'],
    needs: ['debug.breakpoints', 'debug.watchpoints'],
    play(s) {
      const tracee = codeTracee(s, 'E', []);
      const e = tracee.actor;
      for (const kind of KINDS) {
        const found = new Set<string>();
        for (let slot = 0; slot < 4; slot++) for (const enable of ENABLES) found.add(hit(tracee, kind, slot, enable));
        e.observe(`${kind.name}, all slots`, [...found].join('; '));
      }
      s.unrecorded(() => arm(e));
      tracee.write([I.int3, I.nop]);
      tracee.goTo();
      e.cont();
      e.wait();
      e.siginfo();
      tracee.observePlace();
    },
    expect: `
      ${KINDS.map(({ name, stops }) => `E: ${name}, all slots = ${stops}`).join('\n')}
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP SI_KERNEL from the kernel
      E: rip = 1
    `,
  }),

  scenario({
    id: 'hwbp-icebp',
    title: 'ICEBP is a SIGTRAP with TRAP_BRKPT, like that of a debug register, and sets no bit in DR6',
    source: [suite('selftests', 'breakpoint_test.c'), manual('ptrace(2)', 'PTRACE_SINGLESTEP stops')],
    tags: ['breakpoint', 'debug-registers', 'siginfo'],
    rule: 'ICEBP raises the exception of the debug registers without a condition. It is for the tracer as any other trap, whether a register is armed or not.',
    arch: ['x64'],
    needs: ['debug.breakpoints'],
    play(s) {
      const tracee = codeTracee(s, 'E', [I.int1, I.nop]);
      const e = tracee.actor;
      skipUnderTcg(tracee, 'it has no ICEBP');
      takeStatus(e);
      e.cont();
      e.wait();
      e.siginfo();
      tracee.observePlace();
      takeStatus(e);
    },
    expect: `
      E: DR6 = nothing
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP TRAP_BRKPT
      # 0 on a virtual machine whose host passes the exception on before the instruction is over (KVM on AMD).
      E: rip = 1 | 0
      E: DR6 = nothing
    `,
  }),
];
