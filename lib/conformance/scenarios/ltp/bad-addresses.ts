/** LTP's ptrace06: requests with addresses that are none. */
import { PTRACE } from '../../../kernel/requests.js';
import { NT } from '../../../kernel/regsets.js';
import { manual, scenario, suite, type Scenario } from '../../scenario.js';
import { BAD_ADDRESSES, byBadAddress, observeErrors } from './addresses.js';

const words: readonly (readonly [name: string, request: number])[] = [
  ['PEEKTEXT', PTRACE.PEEKTEXT],
  ['PEEKDATA', PTRACE.PEEKDATA],
  ['POKETEXT', PTRACE.POKETEXT],
  ['POKEDATA', PTRACE.POKEDATA],
];

export const badAddresses: readonly Scenario[] = [
  scenario({
    id: 'ptrace06',
    title:
      'PEEK and POKE of an address that the tracee does not have is EIO, memory that the tracer does not have EFAULT',
    source: [suite('ltp', 'ptrace06'), manual('ptrace(2)', 'ERRORS')],
    tags: ['memory', 'siginfo', 'regset', 'errors'],
    rule:
      'The memory of the tracee is no more than a device to the request, so what is not there is an I/O error. A pointer into the tracer is an argument as that ' +
      'of any system call.',
    play(s) {
      const e = s.tracee('E', (c) => c.pause());
      for (const [name, request] of words) {
        const buffer = new Uint8Array(8);
        const data = request === PTRACE.PEEKTEXT || request === PTRACE.PEEKDATA ? buffer : 0;
        const results = s.unrecorded(() => BAD_ADDRESSES.map((address) => e.request(name, request, address, data)));
        e.observe(`${name} at 0 to 3 and -1 to -4`, [...new Set(results)].join(' '));
      }
      const t = s.child(
        'T',
        byBadAddress([
          ['GETSIGINFO', PTRACE.GETSIGINFO, 0],
          ['SETSIGINFO', PTRACE.SETSIGINFO, 0],
          ['GETREGSET', PTRACE.GETREGSET, NT.PRSTATUS],
          ['SETREGSET', PTRACE.SETREGSET, NT.PRSTATUS],
        ]),
      );
      for (const name of ['GETSIGINFO', 'SETSIGINFO', 'GETREGSET', 'SETREGSET']) observeErrors(t, name);
    },
    expect: `
      E: PEEKTEXT at 0 to 3 and -1 to -4 = EIO
      E: PEEKDATA at 0 to 3 and -1 to -4 = EIO
      E: POKETEXT at 0 to 3 and -1 to -4 = EIO
      E: POKEDATA at 0 to 3 and -1 to -4 = EIO
      T: GETSIGINFO with data 0 to 3 and -1 to -4 = EFAULT
      T: SETSIGINFO with data 0 to 3 and -1 to -4 = EFAULT
      T: GETREGSET with data 0 to 3 and -1 to -4 = EFAULT
      T: SETREGSET with data 0 to 3 and -1 to -4 = EFAULT
    `,
  }),
];
