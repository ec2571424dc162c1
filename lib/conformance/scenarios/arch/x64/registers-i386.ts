/** 32-bit tracees of a 64-bit tracer: their memory, their segments. */
import { debugRegisterOffset, userRegisterOffset } from '../../../../kernel/arch/x64/user-area.js';
import { NT } from '../../../../kernel/regsets.js';
import * as raw from '../../../../raw/index.js';
import { commit, manual, scenario, suite, type Scenario } from '../../../scenario.js';
import { pokeDebug } from './debug-slots.js';
import { I386Tracee } from './i386-tracee.js';
import { peekUser } from './user-words.js';
import { TLS_WORD } from '../../../parts/program32.js';

const SELECTOR_OF_ENTRY = 8;
const USER_LEVEL = 3;

/** What a tracer sees of the TLS segment. */
function observeTls(tracee: I386Tracee): void {
  const { actor } = tracee;
  const entry = tracee.field('entry');
  const { gs } = tracee.registers();
  actor.observe('gs is that of its entry', Number(gs) === entry * SELECTOR_OF_ENTRY + USER_LEVEL);
  const area = raw.getThreadArea(actor.tid, entry);
  const base = new DataView(area.buffer, area.byteOffset).getUint32(4, true);
  actor.observe('base of the entry is that of its words', BigInt(base) === tracee.address('tls'));
}

export const i386Registers: readonly Scenario[] = [
  scenario({
    id: 'x86_64-ia32-gs',
    title: 'Writing a debug register of a 32-bit tracee leaves its GS and its thread area as they are',
    source: [suite('ptrace-tests', 'x86_64-ia32-gs'), manual('ptrace(2)', 'PTRACE_GET_THREAD_AREA')],
    tags: ['registers', 'segments', 'debug-registers', 'i386'],
    rule:
      'The user area of a 32-bit tracee has GS as the tracee loaded it, and GET_THREAD_AREA its descriptor. Neither changes by POKEUSER of something else, ' +
      'and the tracee’s own accesses go where they went.',
    arch: ['x64'],
    needs: ['i386-programs', 'request.PTRACE_GET_THREAD_AREA', 'debug.breakpoints'],
    play(s) {
      const tracee = new I386Tracee(s, 'E', 'tls');
      const e = tracee.actor;
      observeTls(tracee);
      pokeDebug(e, 0, 0x0101_0101n);
      peekUser(e, 'dr0', debugRegisterOffset(0));
      e.observe('PEEKUSER gs is the same', raw.peekUser(e.tid, userRegisterOffset('gs')) === tracee.registers().gs);
      observeTls(tracee);
      raw.pokeUser(e.tid, debugRegisterOffset(0), 0);
      e.cont();
      e.wait();
    },
    expect: `
      E: gs is that of its entry = true
      E: base of the entry is that of its words = true
      E: POKEUSER dr0 = 0
      E: PEEKUSER dr0 = 0x1010101
      E: PEEKUSER gs is the same = true
      E: gs is that of its entry = true
      E: base of the entry is that of its words = true
      E: CONT = 0
      E: wait = exited ${TLS_WORD}
    `,
  }),

  scenario({
    id: 'fsgsbase-restore-i386',
    title: 'Writing back the registers of a 32-bit tracee brings back its GS segment, by either layout',
    source: [
      suite('selftests', 'fsgsbase_restore.c'),
      commit('40c45904f818', 'x86/ptrace: Fix 32-bit PTRACE_SETREGS vs fsbase and gsbase'),
    ],
    tags: ['registers', 'segments', 'fsgsbase', 'i386'],
    rule:
      'The 32-bit layout has no bases. When CPUs with a base of its own came into use, the kernel had to take it from the descriptor of the selector that is ' +
      'written: otherwise a thread of 32 bits lost its thread area by the debugger’s function calls.',
    arch: ['x64'],
    needs: ['i386-programs'],
    play(s) {
      const ways = {
        E: (tid: number) => {
          const saved = raw.getRegset(tid, NT.PRSTATUS);
          return () => raw.setRegset(tid, NT.PRSTATUS, saved);
        },
        F: (tid: number) => {
          const saved = raw.getRegs(tid);
          return () => raw.setRegs(tid, saved);
        },
      };
      for (const [name, save] of Object.entries(ways)) {
        const tracee = new I386Tracee(s, name, 'tls');
        const e = tracee.actor;
        const restore = save(e.tid);
        tracee.goTo('forget');
        e.cont();
        e.wait();
        e.observe('gs', tracee.registers().gs);
        restore();
        e.observe(
          'gs is that of its entry',
          Number(tracee.registers().gs) === tracee.field('entry') * SELECTOR_OF_ENTRY + USER_LEVEL,
        );
        e.detach();
        e.wait();
      }
    },
    expect: ['E', 'F']
      .map(
        (name) => `
          ${name}: CONT = 0
          ${name}: wait = stopped by SIGTRAP
          ${name}: gs = 0
          ${name}: gs is that of its entry = true
          ${name}: DETACH = 0
          ${name}: wait = exited ${TLS_WORD}
        `,
      )
      .join(''),
  }),

  scenario({
    id: 'highmem-debugger',
    title:
      'An address with a bit of its upper half set gives EIO in a 32-bit tracee, whose lower half would be its own',
    source: [suite('ptrace-tests', 'highmem-debugger')],
    tags: ['memory', 'errors', 'i386'],
    rule:
      'PEEKDATA and POKEDATA of a 64-bit tracer take all 64 bits of the address. A kernel that cut them to the tracee’s 32 let a debugger’s mistake read and ' +
      'write another place.',
    arch: ['x64'],
    needs: ['i386-programs'],
    play(s) {
      const tracee = new I386Tracee(s, 'E', 'stop');
      const e = tracee.actor;
      const at = tracee.address('value');
      s.unrecorded(() => e.poke(at, BigInt(TLS_WORD)));
      e.peek(at, 'PEEKDATA has its word');
      for (const high of [1n, 0xdead_f00dn, 0xffff_ffffn]) {
        const address = (high << 32n) | at;
        const shown = `with 0x${high.toString(16)} above`;
        e.peek(address, `PEEKDATA ${shown}`);
        e.poke(address, 1n, `POKEDATA ${shown}`);
      }
      e.cont();
      e.wait();
    },
    expect: `
      E: PEEKDATA has its word = 0x4d
      E: PEEKDATA with 0x1 above = EIO
      E: POKEDATA with 0x1 above = EIO
      E: PEEKDATA with 0xdeadf00d above = EIO
      E: POKEDATA with 0xdeadf00d above = EIO
      E: PEEKDATA with 0xffffffff above = EIO
      E: POKEDATA with 0xffffffff above = EIO
      E: CONT = 0
      E: wait = exited ${TLS_WORD}
    `,
  }),
];
