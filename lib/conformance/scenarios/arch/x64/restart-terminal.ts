/** Calls of functions in a tracee that ^C has interrupted in a system call. */
import { writeSync } from 'node:fs';
import { binding } from '../../../../binding.js';
import { X64Registers } from '../../../../kernel/arch/x64/registers.js';
import { NT } from '../../../../kernel/regsets.js';
import { SIG } from '../../../../kernel/signals.js';
import { procState } from '../../../../proc.js';
import type { Part, ScriptOptions } from '../../../../raw/child.js';
import * as raw from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { resultText } from '../../../describe.js';
import { commit, scenario, suite, type Scenario } from '../../../scenario.js';
import type { Stage } from '../../../stage.js';
import { I386Tracee } from './i386-tracee.js';
import { type CodeTracee, codeTracee, I, registersOf } from './machine-code.js';

const TIOCSCTTY = 0x540e;
/** Where the tracee has its terminal. */
const TERMINAL = 10;
const ANSWER = 42;
/** Where in the code the function of the debugger is. */
const FUNCTION = 64;

/** A pseudo-terminal whose user is to be the tracee. */
class Terminal {
  readonly #master: number;
  /** Makes it the controlling terminal of what is a session of its own then; its descriptor is {@link TERMINAL}. */
  readonly prepare: Part;
  readonly options: ScriptOptions;

  constructor(stage: Stage) {
    const ends = new Int32Array(2);
    if (binding().openPty(24, 80, ends) < 0) stage.skip('there are no pseudo-terminals here');
    const [master = -1, slave = -1] = ends;
    stage.onClose(() => {
      for (const fd of [master, slave]) binding().closeFd(fd);
    });
    this.#master = master;
    this.prepare = (c) =>
      c.syscall('dup3', slave, TERMINAL, 0).syscall('setsid').syscall('ioctl', TERMINAL, TIOCSCTTY, 0);
    // A process that leads a group cannot make a session.
    this.options = { ownGroup: false, keepFds: [slave] };
  }

  type(text: string): void {
    writeSync(this.#master, text);
  }
}

/** A tracee that reads from its terminal at the first instruction, and has a breakpoint behind it. */
function reader(stage: Stage, terminal: Terminal): CodeTracee {
  const tracee = codeTracee(stage, 'E', [I.syscall, I.int3], terminal.prepare, terminal.options);
  const e = tracee.actor;
  stage.adoptGroup(e.tid);
  tracee.goTo(0, (registers) => {
    registers.rax = e.syscallNumber('read');
    [TERMINAL, tracee.data + 64n, 16].forEach((value, index) => registers.setArg(index, value));
  });
  return tracee;
}

/** Lets it sleep in its call, and interrupts it from the terminal. */
function interruptFromTerminal(e: Actor, terminal: Terminal): void {
  e.cont();
  e.untilAsleep();
  terminal.type('\x03');
  e.wait();
}

/** Lets the call that begins anew find a line. */
function finishRead(e: Actor, terminal: Terminal): void {
  e.cont();
  e.untilAsleep();
  terminal.type('x\n');
  e.wait();
}

const observeRax = (e: Actor): void => {
  e.observe('rax', resultText(new X64Registers(raw.getRegs(e.tid)).result));
};

/** Interrupts the read of a 32-bit tracee, and calls its function by the registers of 64 bits. */
function callIn32(
  stage: Stage,
  name: string,
  restore: (e: Actor, saved: X64Registers, saved32: Uint8Array) => void,
): void {
  const terminal = new Terminal(stage);
  const tracee = new I386Tracee(stage, name, 'read', TERMINAL, {
    prepare: terminal.prepare,
    script: terminal.options,
  });
  const e = tracee.actor;
  stage.adoptGroup(e.tid);
  interruptFromTerminal(e, terminal);
  observeRax(e);
  const saved = new X64Registers(raw.getRegs(e.tid));
  const saved32 = tracee.registers().bytes;
  const changed = new X64Registers(saved.bytes.slice());
  changed.rip = BigInt.asUintN(32, BigInt(tracee.field('answer')));
  changed.orig_rax = -1;
  raw.setRegs(e.tid, changed.bytes);
  e.cont();
  e.wait();
  e.observe('the function has run', tracee.value() === ANSWER);
  restore(e, saved, saved32);
  // What comes of it is a restart, or not: then it exits.
  e.cont();
  e.rest();
  if (procState(e.tid) === 'S') terminal.type('x\n');
  e.wait();
}

/** What is the same whatever is written back: up to the call of the function. */
const CALLED = (name: string): string => `
      ${name}: CONT = 0
      ${name}: wait = stopped by SIGINT
      ${name}: rax = ERESTARTSYS
      ${name}: CONT = 0
      ${name}: wait = stopped by SIGTRAP
      ${name}: the function has run = true
`;

export const terminalRestarts: readonly Scenario[] = [
  scenario({
    id: 'erestartsys',
    title:
      'An interrupted call is begun anew after the debugger has called a function there, when all registers are as before',
    source: [suite('ptrace-tests', 'erestartsys')],
    tags: ['restart', 'registers', 'terminal', 'signals'],
    rule:
      'Whether a call is restarted is decided when the tracee goes on, by rax and orig_rax as they are then. A debugger that sets another rip sets orig_rax to ' +
      '-1, or the kernel moves its rip back by an instruction; with the old registers it brings the restart back too.',
    arch: ['x64'],
    needs: ['terminals'],
    play(s) {
      const terminal = new Terminal(s);
      const tracee = reader(s, terminal);
      const e = tracee.actor;
      tracee.write([I.store(8, ANSWER), I.setRdi(e.tid), I.setRax(e.syscallNumber('kill')), I.syscall], FUNCTION);
      interruptFromTerminal(e, terminal);
      const saved = registersOf(e);
      tracee.goTo(FUNCTION, (registers) => registers.setArg(1, SIG.SIGUSR2));
      e.cont();
      e.wait();
      e.observe('the function has run', e.wordAt(tracee.data) === BigInt(ANSWER));
      e.setRegisters(saved);
      finishRead(e, terminal);
      tracee.observePlace();
      observeRax(e);
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGINT
      E: CONT = 0
      E: wait = stopped by SIGUSR2
      E: the function has run = true
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: rip = 3
      E: rax = 2
    `,
  }),

  scenario({
    id: 'erestartsys-trap',
    title:
      'At the stop rax has a restart code, and without -1 in orig_rax the kernel moves a new rip back by the call’s two bytes',
    source: [suite('ptrace-tests', 'erestartsys-trap')],
    tags: ['restart', 'registers', 'terminal', 'signals'],
    rule:
      'The signal-delivery-stop of an interrupted call comes before its restart: rax is minus a code of 512 or more that programs never see, rip is behind ' +
      'the instruction. It is the same whether the function that a debugger calls ends by a signal or by a breakpoint instruction.',
    arch: ['x64'],
    needs: ['terminals'],
    play(s) {
      const terminal = new Terminal(s);
      const tracee = reader(s, terminal);
      const e = tracee.actor;
      tracee.write([I.store(8, ANSWER), I.int3], FUNCTION);
      interruptFromTerminal(e, terminal);
      tracee.observePlace();
      observeRax(e);
      const saved = registersOf(e);
      tracee.goTo(FUNCTION);
      e.cont();
      e.wait();
      tracee.observePlace();
      e.setRegisters(saved);
      interruptFromTerminal(e, terminal);
      const again = registersOf(e);
      again.rip = tracee.code + BigInt(FUNCTION + I.syscall.length);
      again.rbx = tracee.data + 8n;
      e.setRegisters(again);
      e.cont();
      e.wait();
      tracee.observePlace();
      e.observe('the function has run from its beginning', e.wordAt(tracee.data + 8n) === BigInt(ANSWER));
      e.setRegisters(saved);
      finishRead(e, terminal);
      tracee.observePlace();
      observeRax(e);
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGINT
      E: rip = 2
      E: rax = ERESTARTSYS
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: rip = 73
      E: CONT = 0
      E: wait = stopped by SIGINT
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: rip = 73
      E: the function has run from its beginning = true
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: rip = 3
      E: rax = 2
    `,
  }),

  scenario({
    id: 'erestartsys-debugger',
    title: 'A 64-bit debugger calls a function in a 32-bit tracee whose call was interrupted, and the call begins anew',
    source: [suite('ptrace-tests', 'erestartsys-debugger'), suite('ptrace-tests', 'erestartsys-trap-debugger')],
    also: ['erestartsys-trap-debugger'],
    tags: ['restart', 'registers', 'terminal', 'signals', 'i386'],
    rule:
      'The registers of a 32-bit tracee have 64 bits for a 64-bit tracer: -1 in orig_rax keeps the kernel from a restart, and what GETREGS gave brings it ' +
      'back, restart code included.',
    arch: ['x64'],
    needs: ['terminals', 'i386-programs'],
    play(s) {
      callIn32(s, 'E', (e, saved) => raw.setRegs(e.tid, saved.bytes));
    },
    expect: `
      ${CALLED('E')}
      E: CONT = 0
      E: wait = exited 1
    `,
  }),

  scenario({
    id: 'erestartsys-trap-32fails-debugger',
    title:
      'A restart code that SETREGS writes back without its upper half is none any more, in the 32-bit set of registers it is',
    source: [
      suite('ptrace-tests', 'erestartsys-trap-32fails-debugger'),
      commit('609c19a385c8', 'x86/ptrace: Stop setting TS_COMPAT in ptrace code'),
    ],
    tags: ['restart', 'registers', 'terminal', 'signals', 'i386'],
    rule:
      'rax as 0xfffffe00 is a result of a 32-bit call like any other when a 64-bit debugger has written it: the program gets it, an error number that does not ' +
      'exist. Who writes 32-bit registers cannot do better, so there the kernel extends the sign of eax and restarts the call. A 64-bit debugger must ' +
      'keep all 64 bits.',
    arch: ['x64'],
    needs: ['terminals', 'i386-programs'],
    play(s) {
      callIn32(s, 'E', (e, saved) => {
        saved.rax &= 0xffff_ffffn;
        raw.setRegs(e.tid, saved.bytes);
      });
      callIn32(s, 'F', (e, _, saved32) => raw.setRegset(e.tid, NT.PRSTATUS, saved32));
    },
    expect: `
      ${CALLED('E')}
      E: CONT = 0
      # The low 8 bits of 100 + 512
      E: wait = exited 100
      ${CALLED('F')}
      F: CONT = 0
      F: wait = exited 1
    `,
  }),
];
