/** struct user by PEEKUSER and POKEUSER, and the general registers by SETREGS. */
import {
  USER_AREA,
  USER_AREA_SIZE,
  debugRegisterOffset,
  userRegisterOffset,
} from '../../../../kernel/arch/x64/user-area.js';
import { X64_REGISTER_NAMES, X64Registers } from '../../../../kernel/arch/x64/registers.js';
import { PTRACE } from '../../../../kernel/requests.js';
import * as raw from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { manual, scenario, suite, type Scenario } from '../../../scenario.js';
import { codeTracee, I, registersOf } from './machine-code.js';
import { peekUser, pokeUser } from './user-words.js';

const WORD = 8;
const WORDS = USER_AREA_SIZE / WORD;

type Name = (typeof X64_REGISTER_NAMES)[number];

/** Registers that take any value. The others are flags, selectors, bases and the program counter. */
const FREE: readonly Name[] = [
  ...(['r15', 'r14', 'r13', 'r12', 'rbp', 'rbx', 'r11', 'r10', 'r9', 'r8', 'rax', 'rcx', 'rdx'] as const),
  ...(['rsi', 'rdi', 'orig_rax', 'rsp'] as const),
];

/** The results of a request at many places: all the same, or how many of each. */
function resultsOf(e: Actor, offsets: readonly number[], request: (offset: number) => unknown): string {
  const counts = new Map<string, number>();
  for (const offset of offsets) {
    const result = e.stage.attempt(() => request(offset));
    counts.set(result, (counts.get(result) ?? 0) + 1);
  }
  return [...counts].map(([result, count]) => `${count} × ${result}`).join(', ');
}

const words = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => from + index * WORD);

/** A value that differs from register to register; that of orig_rax is a number of 32 bits with sign. */
function patternOf(name: Name, round: number): bigint {
  const at = BigInt(X64_REGISTER_NAMES.indexOf(name) + 1);
  if (name === 'orig_rax') return BigInt.asUintN(64, -0x1234_5600n - at - BigInt(round));
  return 0x8877_6655_4433_2200n + (BigInt(round) << 8n) + at;
}

/** The registers that do not have what they should: `none`. */
function different(is: X64Registers, wanted: ReadonlyMap<Name, bigint>): string {
  const names = [...wanted].filter(([name, value]) => is[name] !== value).map(([name]) => name);
  return names.length === 0 ? 'none' : names.join(' ');
}

export const userArea: readonly Scenario[] = [
  scenario({
    id: 'peekpokeusr',
    title: 'Every word of struct user can be read; registers and debug registers can be written, the rest gives EIO',
    source: [suite('ptrace-tests', 'peekpokeusr'), manual('ptrace(2)', 'PTRACE_PEEKUSER')],
    tags: ['registers', 'debug-registers', 'user-area', 'errors'],
    rule:
      'The user area is 27 registers, then words that read as 0 and cannot be written, and among them DR0 to DR7, of which 4 and 5 do not exist. Writing a ' +
      'register or debug register what it has is always allowed. An offset that is beyond the end or no multiple of 8 gives EIO.',
    arch: ['x64'],
    needs: ['request.PTRACE_PEEKUSER', 'request.PTRACE_POKEUSER'],
    play(s) {
      const e = s.tracee('E', (c) => c.exitGroup(0), { by: 'traceme' });
      const peek = (offset: number): bigint => raw.peekUser(e.tid, offset);
      const pokeSame = (offset: number): void => raw.pokeUser(e.tid, offset, peek(offset));
      e.observe('PEEKUSER of each word', resultsOf(e, words(0, WORDS), peek));
      e.observe('POKEUSER of each register', resultsOf(e, words(0, X64_REGISTER_NAMES.length), pokeSame));
      const debug = [0, 1, 2, 3, 6, 7].map(debugRegisterOffset);
      e.observe('POKEUSER of dr0 to dr3, dr6, dr7', resultsOf(e, debug, pokeSame));
      e.observe('POKEUSER of dr4, dr5', resultsOf(e, [4, 5].map(debugRegisterOffset), pokeSame));
      const others = words(USER_AREA.u_fpvalid, WORDS).filter(
        (offset) => offset < USER_AREA_SIZE && (offset < USER_AREA.u_debugreg || offset >= debugRegisterOffset(0) + 64),
      );
      e.observe('POKEUSER of each other word', resultsOf(e, others, pokeSame));
      e.request('PEEKUSER beyond the end', PTRACE.PEEKUSER, USER_AREA_SIZE, new Uint8Array(8));
      e.request('POKEUSER beyond the end', PTRACE.POKEUSER, USER_AREA_SIZE, 0);
      e.request('PEEKUSER between two words', PTRACE.PEEKUSER, 4, new Uint8Array(8));
      e.request('POKEUSER between two words', PTRACE.POKEUSER, 4, 0);
      e.cont();
      e.wait();
    },
    expect: `
      E: PEEKUSER of each word = 116 × 0
      E: POKEUSER of each register = 27 × 0
      E: POKEUSER of dr0 to dr3, dr6, dr7 = 6 × 0
      E: POKEUSER of dr4, dr5 = 2 × EIO
      E: POKEUSER of each other word = 81 × EIO
      E: PEEKUSER beyond the end = EIO
      E: POKEUSER beyond the end = EIO
      E: PEEKUSER between two words = EIO
      E: POKEUSER between two words = EIO
      E: CONT = 0
      E: wait = exited 0
    `,
  }),

  scenario({
    id: 'user-regs-peekpoke',
    title: 'What SETREGS or POKEUSER write is read back by GETREGS and PEEKUSER, and a word poked changes no other',
    source: [suite('ptrace-tests', 'user-regs-peekpoke'), manual('ptrace(2)', 'PTRACE_GETREGS')],
    tags: ['registers', 'user-area'],
    rule:
      'All ways lead to the same registers. Flags, segments, their bases and the program counter have rules of their own; the other 17 keep any value, ' +
      'orig_rax any number of 32 bits with its sign.',
    arch: ['x64'],
    play(s) {
      const e = s.tracee('E', (c) => c.exitGroup(0), { by: 'traceme' });
      const wanted = new Map(FREE.map((name) => [name, patternOf(name, 0)]));
      const registers = registersOf(e);
      const before = registers.toObject();
      for (const [name, value] of wanted) registers[name] = value;
      e.observe(
        'SETREGS',
        s.attempt(() => raw.setRegs(e.tid, registers.bytes)),
      );
      e.observe('differ in GETREGS', different(new X64Registers(raw.getRegs(e.tid)), wanted));
      const peeked = FREE.filter((name) => raw.peekUser(e.tid, userRegisterOffset(name)) !== wanted.get(name));
      e.observe('differ in PEEKUSER', peeked.length === 0 ? 'none' : peeked.join(' '));
      const all = new Map<Name, bigint>([
        ...X64_REGISTER_NAMES.map((name) => [name, before[name]] as const),
        ...wanted,
      ]);
      const wrong = new Set<string>();
      for (const name of FREE) {
        const value = patternOf(name, 1);
        raw.pokeUser(e.tid, userRegisterOffset(name), value);
        all.set(name, value);
        const differ = different(new X64Registers(raw.getRegs(e.tid)), all);
        if (differ !== 'none') wrong.add(`${name} pokes ${differ}`);
      }
      e.observe('differ when each is poked', wrong.size === 0 ? 'none' : [...wrong].join(', '));
    },
    expect: `
      E: SETREGS = 0
      E: differ in GETREGS = none
      E: differ in PEEKUSER = none
      E: differ when each is poked = none
    `,
  }),

  scenario({
    id: 'x86_64-cs',
    title:
      'A code segment that does not exist is taken by POKEUSER, and kills the tracee’s next instruction, not the kernel',
    source: [suite('ptrace-tests', 'x86_64-cs')],
    tags: ['registers', 'segments'],
    rule:
      'The kernel checks of a selector only its privilege (a level other than 3 gives EIO; CS and SS may not be 0). Whether there is such a segment is ' +
      'found by the IRET that leads back to the tracee. Its fault must become a SIGSEGV of the tracee.',
    arch: ['x64'],
    needs: ['step.single'],
    play(s) {
      const tracee = codeTracee(s, 'E', [I.nop, I.int3]);
      const e = tracee.actor;
      e.step();
      e.wait();
      const cs = registersOf(e).cs;
      const poke = (what: string, value: bigint): void => {
        pokeUser(e, `cs ${what}`, userRegisterOffset('cs'), value);
      };
      poke('0', 0n);
      poke('of the kernel', 0x10n);
      poke('0xffff', 0xffffn);
      e.cont();
      e.wait();
      // Not by GETREGSET: with such a selector it has the registers of a 32-bit tracee.
      peekUser(e, 'cs', userRegisterOffset('cs'));
      poke('as before', cs);
      tracee.goTo();
      e.cont();
      e.wait();
      tracee.observePlace();
    },
    expect: `
      E: SINGLESTEP = 0
      E: wait = stopped by SIGTRAP
      E: POKEUSER cs 0 = EIO
      E: POKEUSER cs of the kernel = EIO
      E: POKEUSER cs 0xffff = 0
      E: CONT = 0
      E: wait = stopped by SIGSEGV
      E: PEEKUSER cs = 0xffff
      E: POKEUSER cs as before = 0
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: rip = 2
    `,
  }),
];
