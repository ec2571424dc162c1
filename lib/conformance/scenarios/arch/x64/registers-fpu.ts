/** The floating-point registers, and the sets beyond them. */
import * as raw from '../../../../raw/index.js';
import { scenario, suite, type Scenario } from '../../../scenario.js';
import { codeTracee, I } from './machine-code.js';

const ROUNDS = 20;
/** The FXSAVE area: the register on top of the stack, in 10 bytes. */
const ST0 = 32;

/** Numbers in the format of the x87, by the 64 bits of their mantissa. */
const NUMBERS: readonly (readonly [value: number, mantissa: bigint, exponent: number])[] = [
  [7, 0xe000_0000_0000_0000n, 0x4001],
  [42, 0xa800_0000_0000_0000n, 0x4004],
];

function numberOf(mantissa: bigint, exponent: number): string {
  const known = NUMBERS.find((each) => each[1] === mantissa && each[2] === exponent);
  return known === undefined ? 'something else' : String(known[0]);
}

export const fpuRegisters: readonly Scenario[] = [
  scenario({
    id: 'fpregs-smp',
    title: 'SETFPREGS by a tracer on another CPU reaches a tracee whose registers are still in its CPU',
    source: [suite('ptrace-tests', 'fpregs-smp')],
    tags: ['registers', 'fpu', 'smp'],
    rule:
      'The kernel may leave the floating-point registers of a task that has stopped in the CPU. Before a tracer reads or writes them they must be saved, and ' +
      'what was written must be loaded, although the CPU still has the old ones: they were lost where the kernel took those for valid.',
    arch: ['x64'],
    needs: ['two-cpus', 'request.PTRACE_SETFPREGS'],
    play(s) {
      const cpus = raw.schedGetaffinity();
      const [first = 0, second = 1] = cpus;
      s.onClose(() => raw.schedSetaffinity(0, cpus));
      // 0 fninit; 2 fld tbyte [rbx+16]; 5 int3; 6 fstp tbyte [rbx]; 9 jump to 2
      const tracee = codeTracee(s, 'E', [[0xdb, 0xe3], [0xdb, 0x6b, 16], I.int3, [0xdb, 0x7b, 0], I.jump(-9)]);
      const e = tracee.actor;
      for (const [at, [, mantissa, exponent]] of NUMBERS.entries()) {
        const place = tracee.data + 16n * BigInt(at + 1);
        raw.pokeData(e.tid, place, mantissa);
        raw.pokeData(e.tid, place + 8n, exponent);
      }
      raw.schedSetaffinity(e.tid, [first]);
      raw.schedSetaffinity(0, [second]);
      const got = new Set<string>();
      const seen = new Set<string>();
      const view = new DataView(new ArrayBuffer(raw.USER_FPREGS_SIZE));
      s.unrecorded(() => {
        for (let round = 0; round < ROUNDS; round++) {
          e.cont();
          e.wait();
          if (round > 0) {
            seen.add(numberOf(BigInt.asUintN(64, e.wordAt(tracee.data)), Number(e.wordAt(tracee.data + 8n) & 0xffffn)));
          }
          raw.getFpRegs(e.tid, view);
          got.add(numberOf(view.getBigUint64(ST0, true), view.getUint16(ST0 + 8, true)));
          view.setBigUint64(ST0, 0xa800_0000_0000_0000n, true);
          view.setUint16(ST0 + 8, 0x4004, true);
          raw.setFpRegs(e.tid, view);
        }
      });
      e.observe('GETFPREGS has in st(0) what it has loaded, 7', [...got].join(', '));
      e.observe('it has in st(0) what SETFPREGS has set, 42', [...seen].join(', '));
    },
    expect: `
      E: GETFPREGS has in st(0) what it has loaded, 7 = 7
      E: it has in st(0) what SETFPREGS has set, 42 = 42
    `,
  }),
];
