/** FS and GS: selectors, and bases that need not be those of the selector's descriptor. */
import { userRegisterOffset } from '../../../../kernel/arch/x64/user-area.js';
import { SIG } from '../../../../kernel/signals.js';
import { ARCH } from '../../../../raw/index.js';
import * as raw from '../../../../raw/index.js';
import { resultText } from '../../../describe.js';
import { commit, manual, scenario, suite, type Scenario } from '../../../scenario.js';
import { type CodeTracee, codeTracee, I, registersOf } from './machine-code.js';
import { pokeUser } from './user-words.js';

/** The first entry of the LDT, for user mode. */
const LDT_SELECTOR = 7n;
const MODIFY_LDT_WRITE = 0x11;
/** struct user_desc: 32-bit, limit in pages, usable. */
const DESCRIPTOR_FLAGS = 0x51;

const GS = userRegisterOffset('gs');
const GS_BASE = userRegisterOffset('gs_base');

/** Words of the data page. */
const OWN = 64n;
const OTHER = 128n;
const DESCRIPTOR = 256n;

/** Gives it a segment in its LDT that begins at `base` of the data. Ends the play where there are no LDTs. */
function makeSegment(tracee: CodeTracee, base: bigint): void {
  const { actor, data } = tracee;
  const descriptor = new Uint32Array([0, Number(data + base), 0xfffff, DESCRIPTOR_FLAGS]);
  const words = new BigUint64Array(descriptor.buffer);
  words.forEach((word, index) => raw.pokeData(actor.tid, data + DESCRIPTOR + 8n * BigInt(index), word));
  const result = tracee.call('modify_ldt', MODIFY_LDT_WRITE, data + DESCRIPTOR, 16);
  if (result !== 0n) actor.stage.skip(`this kernel has no modify_ldt(2): ${resultText(result)}`);
}

/** Ends the play where RDGSBASE is undefined: there a base follows its selector. */
function requireFsgsbase(tracee: CodeTracee): void {
  const { actor } = tracee;
  tracee.write([I.readGsBase, I.int3]);
  const status = actor.stage.unrecorded(() => {
    actor.mustSucceed(actor.cont(), 'CONT');
    return actor.wait();
  });
  if (status?.kind !== 'stopped' || status.signal !== SIG.SIGTRAP) actor.stage.skip('FSGSBASE is not in use here');
}

const gsOf = (tracee: CodeTracee): string => {
  const { gs, gs_base } = registersOf(tracee.actor);
  const at = gs_base - tracee.data;
  const base = at === OWN ? 'own' : at === OTHER ? 'other' : gs_base === 0n ? '0' : 'elsewhere';
  return `${gs === LDT_SELECTOR ? 'the LDT' : gs}, base ${base}`;
};

export const segments: readonly Scenario[] = [
  scenario({
    id: 'x86_64-gsbase',
    title: 'The base of GS can be read and written by PEEKUSER and POKEUSER, and the tracee uses what was written',
    source: [suite('ptrace-tests', 'x86_64-gsbase'), manual('arch_prctl(2)', 'ARCH_SET_GS')],
    tags: ['registers', 'segments'],
    rule:
      'gs_base is a word of the user area like a register. It is what arch_prctl(2) has set, PTRACE_ARCH_PRCTL gives the same, and the tracee’s memory ' +
      'accesses go where the tracer has put it. A base outside of user space gives EIO.',
    arch: ['x64'],
    play(s) {
      const tracee = codeTracee(s, 'E', [I.storeGs(7), I.storeGs(8), I.int3]);
      const e = tracee.actor;
      const { data } = tracee;
      tracee.call('arch_prctl', ARCH.SET_GS, data + OWN);
      e.observe('PEEKUSER gs_base is what it has set', raw.peekUser(e.tid, GS_BASE) === data + OWN);
      e.step();
      e.wait();
      e.observe('words at both bases', `${e.wordAt(data + OWN)}, ${e.wordAt(data + OTHER)}`);
      pokeUser(e, 'gs_base', GS_BASE, data + OTHER);
      e.observe('PEEKUSER gs_base is what was poked', raw.peekUser(e.tid, GS_BASE) === data + OTHER);
      e.observe('ARCH_GET_GS is what was poked', raw.archPrctlGet(e.tid, ARCH.GET_GS) === data + OTHER);
      e.cont();
      e.wait();
      e.observe('words at both bases', `${e.wordAt(data + OWN)}, ${e.wordAt(data + OTHER)}`);
      pokeUser(e, 'gs_base of the kernel', GS_BASE, 0xffff_8000_0000_0000n);
    },
    expect: `
      E: PEEKUSER gs_base is what it has set = true
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: words at both bases = 7, 0
      E: POKEUSER gs_base = 0
      E: PEEKUSER gs_base is what was poked = true
      E: ARCH_GET_GS is what was poked = true
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: words at both bases = 7, 8
      E: POKEUSER gs_base of the kernel = EIO
    `,
  }),

  scenario({
    id: 'ptrace-write-gs',
    title: 'With FSGSBASE the selector and the base of GS are written independently of each other',
    source: [
      suite('selftests', 'fsgsbase.c'),
      commit('b745cfba44c1', 'x86/cpu: Enable FSGSBASE on 64bit by default and add a chicken bit'),
    ],
    also: ['ptrace-write-gsbase'],
    tags: ['registers', 'segments', 'fsgsbase'],
    rule:
      'Where programs may set the base by WRGSBASE it is a register of its own. A tracer that writes the selector does not change it, as little as one that ' +
      'writes the base changes the selector. Before, a selector other than 0 brought the base of its descriptor.',
    arch: ['x64'],
    since: '5.9',
    play(s) {
      const tracee = codeTracee(s, 'E', []);
      const e = tracee.actor;
      requireFsgsbase(tracee);
      makeSegment(tracee, OTHER);
      tracee.write([I.setGs, I.int3]);
      tracee.goTo(0, (registers) => (registers.rax = LDT_SELECTOR));
      e.cont();
      e.wait();
      e.observe('gs', gsOf(tracee));
      pokeUser(e, 'gs_base', GS_BASE, tracee.data + OWN);
      e.observe('gs', gsOf(tracee));
      pokeUser(e, 'gs', GS, 0n);
      e.observe('gs', gsOf(tracee));
      pokeUser(e, 'gs', GS, LDT_SELECTOR);
      e.observe('gs', gsOf(tracee));
      tracee.write([I.storeGs(7), I.int3]);
      tracee.goTo();
      e.cont();
      e.wait();
      e.observe('gs', gsOf(tracee));
      e.observe('words at both bases', `${e.wordAt(tracee.data + OWN)}, ${e.wordAt(tracee.data + OTHER)}`);
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: gs = the LDT, base other
      E: POKEUSER gs_base = 0
      E: gs = the LDT, base own
      E: POKEUSER gs = 0
      E: gs = 0, base own
      E: POKEUSER gs = 0
      E: gs = the LDT, base own
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: gs = the LDT, base own
      E: words at both bases = 7, 0
    `,
  }),

  scenario({
    id: 'fsgsbase-restore',
    title:
      'SETREGS with what GETREGS gave brings back a segment register and its base, after the tracee has loaded another',
    source: [
      suite('selftests', 'fsgsbase_restore.c'),
      commit('40c45904f818', 'x86/ptrace: Fix 32-bit PTRACE_SETREGS vs fsbase and gsbase'),
    ],
    tags: ['registers', 'segments', 'fsgsbase', 'detach'],
    rule:
      'A debugger that calls a function in the tracee saves and restores the registers and knows nothing of descriptors. The program must find its segment ' +
      'again, whatever the function has done to it.',
    arch: ['x64'],
    play(s) {
      const tracee = codeTracee(s, 'E', []);
      const e = tracee.actor;
      makeSegment(tracee, OTHER);
      raw.pokeData(e.tid, tracee.data + OTHER, 77n);
      // 0 mov gs, eax; 2 int3; 3 exit_group of what is at gs:0.
      tracee.write([I.setGs, I.int3, I.loadGs, I.setRax(e.syscallNumber('exit_group')), I.syscall]);
      tracee.goTo(0, (registers) => (registers.rax = LDT_SELECTOR));
      e.cont();
      e.wait();
      const saved = raw.getRegs(e.tid);
      e.observe('gs', gsOf(tracee));
      tracee.goTo(0, (registers) => (registers.rax = 0n));
      e.cont();
      e.wait();
      e.observe('gs', registersOf(e).gs);
      e.observe(
        'SETREGS',
        s.attempt(() => raw.setRegs(e.tid, saved)),
      );
      e.observe('gs', gsOf(tracee));
      e.detach();
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: gs = the LDT, base other
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: gs = 0
      E: SETREGS = 0
      E: gs = the LDT, base other
      E: DETACH = 0
      E: wait = exited 77
    `,
  }),
];
