/** GETREGSET, and single steps. */
import { NT } from '../../../kernel/regsets.js';
import { PTRACE } from '../../../kernel/requests.js';
import { nopBytes } from '../../parts/instructions.js';
import { scenario, type Scenario } from '../../scenario.js';
import { gvisorTest } from './tools.js';

const STEPS = 5;
const WORD = 8;

const STEP = (n: number): string => `
  E: wait = stopped by SIGTRAP
  E: siginfo = SIGTRAP TRAP_TRACE
  E: instructions executed = ${n}
`;

export const registers: readonly Scenario[] = [
  scenario({
    id: 'GetRegSet',
    title:
      'GETREGSET of NT_PRSTATUS gives the whole set, says how long it is, and has the arguments of the interrupted call',
    source: [gvisorTest('GetRegSet')],
    tags: ['registers', 'regset'],
    rule:
      'The kernel writes the length that it filled back into the iovec: that is how a tracer knows the size, and by it which ABI the tracee runs. At a ' +
      'signal-delivery-stop the arguments of the call that led there are in their registers still.',
    play(s) {
      const e = s.tracee('E', (c) => c.killSelf('SIGUSR1').exitGroup(0));
      e.cont();
      e.wait();
      const room = new Uint8Array(4096);
      const result = s.unrecorded(() => e.request('GETREGSET', PTRACE.GETREGSET, NT.PRSTATUS, room));
      const length = Number(result);
      // user_regs_struct, and user_pt_regs.
      e.observe('length', length === (s.arch.name === 'x64' ? 216 : 272) ? 'the whole set' : result);
      if (Number.isNaN(length)) return;
      const registers = s.arch.registersFrom(room.slice(0, length));
      e.observe('argument 1', registers.arg(1));
      e.cont();
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: length = the whole set
      E: argument 1 = 10
      E: CONT = 0
      E: wait = exited 0
    `,
  }),

  scenario({
    id: 'GetRegSetPartialRead',
    title: 'GETREGSET with room for one register gives that one alone',
    source: [gvisorTest('GetRegSetPartialRead')],
    tags: ['registers', 'regset', 'errors'],
    rule:
      'A short buffer is filled as far as it goes, whole words at a time, and its length is answered; a length that is no multiple of the word is EINVAL. ' +
      'So an old tracer can read the beginning of a set that has grown.',
    play(s) {
      const e = s.tracee('E', (c) => c.exitGroup(0));
      const whole = e.registers().bytes;
      const one = new Uint8Array(WORD);
      e.request('GETREGSET of one word', PTRACE.GETREGSET, NT.PRSTATUS, one);
      e.observe('it is the first register', Buffer.compare(one, whole.subarray(0, WORD)) === 0);
      e.request('GETREGSET of a word and a half', PTRACE.GETREGSET, NT.PRSTATUS, new Uint8Array(WORD + WORD / 2));
      e.request('GETREGSET of no such set', PTRACE.GETREGSET, 0x7fff_ff00, one);
    },
    expect: `
      E: GETREGSET of one word = 8
      E: it is the first register = true
      E: GETREGSET of a word and a half = EINVAL
      E: GETREGSET of no such set = EINVAL
    `,
  }),

  scenario({
    id: 'SingleStep',
    title: 'Each SINGLESTEP executes one instruction and stops by a SIGTRAP of TRAP_TRACE',
    source: [gvisorTest('SingleStep')],
    tags: ['step', 'siginfo'],
    rule: 'A step in plain code traps behind the next instruction, wherever that is; here in a row of instructions that do nothing.',
    play(s) {
      const e = s.tracee('E', (c) => c.nops().exitGroup(0));
      const start = e.child.nops;
      e.changeRegisters((registers) => {
        registers.pc = start;
      });
      for (let n = 1; n <= STEPS; n++) {
        s.unrecorded(() => e.step());
        e.wait();
        e.siginfo();
        e.observe('instructions executed', (e.registers().pc - start) / nopBytes(e));
      }
      e.ptraceKill();
      e.wait();
    },
    expect: `
      ${Array.from({ length: STEPS }, (_, n) => STEP(n + 1)).join('')}
      E: KILL = 0
      E: wait = killed by SIGKILL
    `,
  }),
];
