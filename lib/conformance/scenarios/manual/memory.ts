/** Errors of PEEK, POKE, GETSIGMASK and SETSIGMASK. */
import { PTRACE } from '../../../kernel/requests.js';
import { MAP, PRIVATE_ANONYMOUS, PROT } from '../../parts/memory-map.js';
import { KERNEL_ADDRESS } from '../../parts/nothing.js';
import { toNextReport } from '../../parts/system-calls.js';
import { scenario, type Scenario } from '../../scenario.js';
import { page } from './tools.js';

export const memory: readonly Scenario[] = [
  scenario({
    id: 'peek-poke-mem-errors',
    title: 'PEEK and POKE of memory that is not there give EIO; they need no alignment and no right to write',
    source: [page('DESCRIPTION'), page('ERRORS')],
    tags: ['memory', 'errors'],
    rule:
      'Memory that the tracee does not have, the kernel’s too, gives EIO; where the word is to be put, a bad pointer gives EFAULT. A tracer reads and ' +
      'writes private memory whatever its protection: the tracee gets a copy of the page, as for breakpoints in its text. Only shared memory that ' +
      'is read-only is refused, as a write would reach others.',
    play(s) {
      const e = s.tracee(
        'E',
        (c) => {
          c.buffer('text', '0123456789abcdefghijklmnopqrstuv');
          c.syscall('mmap', 0, 4096, PROT.READ, PRIVATE_ANONYMOUS, -1, 0).store('private');
          c.syscall('mmap', 0, 4096, PROT.NONE, PRIVATE_ANONYMOUS, -1, 0).store('no access');
          c.syscall('mmap', 0, 4096, PROT.READ, MAP.SHARED | MAP.ANONYMOUS, -1, 0).store('shared');
          c.tgkillSelf('SIGUSR1').exitGroup(3);
        },
        { by: 'attach' },
      );
      toNextReport(e);
      e.peek(0n, 'PEEKDATA of nothing');
      e.poke(0n, 1n, 'POKEDATA of nothing');
      e.peek(KERNEL_ADDRESS, 'PEEKDATA of the kernel');
      e.poke(KERNEL_ADDRESS, 1n, 'POKEDATA of the kernel');
      e.peek(e.address('text') + 1n, 'PEEKDATA of no multiple of 8');
      e.poke(e.address('text') + 3n, 0x4847464544434241n, 'POKEDATA of no multiple of 8');
      e.peek(e.address('text'));
      e.request('PEEKDATA into nothing', PTRACE.PEEKDATA, e.address('text'), null);
      const text = e.child.nops;
      const before = s.unrecorded(() => e.peek(text)) ?? 0n;
      e.request('POKETEXT of read-only text', PTRACE.POKETEXT, text, BigInt.asUintN(64, ~before));
      e.observe('the text is changed', s.unrecorded(() => e.peek(text)) === BigInt.asUintN(64, ~before));
      e.request('POKETEXT', PTRACE.POKETEXT, text, before);
      e.poke(e.word('private'), 0x11n, 'POKEDATA of private read-only memory');
      e.peek(e.word('private'));
      e.poke(e.word('no access'), 0x22n, 'POKEDATA of private memory without access');
      e.peek(e.word('no access'));
      e.poke(e.word('shared'), 0x33n, 'POKEDATA of shared read-only memory');
      e.peek(e.word('shared'));
    },
    expect: `
      E: PEEKDATA of nothing = EIO
      E: POKEDATA of nothing = EIO
      E: PEEKDATA of the kernel = EIO
      E: POKEDATA of the kernel = EIO
      E: PEEKDATA of no multiple of 8 = 0x3837363534333231
      E: POKEDATA of no multiple of 8 = 0
      E: PEEKDATA = 0x4544434241323130
      E: PEEKDATA into nothing = EFAULT
      E: POKETEXT of read-only text = 0
      E: the text is changed = true
      E: POKETEXT = 0
      E: POKEDATA of private read-only memory = 0
      E: PEEKDATA = 0x11
      E: POKEDATA of private memory without access = 0
      E: PEEKDATA = 0x22
      E: POKEDATA of shared read-only memory = EIO
      E: PEEKDATA = 0x0
    `,
  }),

  scenario({
    id: 'sigmask-size',
    title: 'GETSIGMASK and SETSIGMASK take a set of 8 bytes only, and SIGKILL and SIGSTOP are never blocked',
    source: [page('DESCRIPTION'), page('ERRORS')],
    tags: ['signal-mask', 'errors'],
    rule:
      'addr has the size of the signal set, and must be that of the kernel’s, 8: EINVAL for any other. SETSIGMASK drops SIGKILL and SIGSTOP without a ' +
      'word, as sigprocmask(2) does.',
    since: '3.11',
    play(s) {
      const e = s.tracee('E', (c) => c.block('SIGUSR2').tgkillSelf('SIGUSR1').exitGroup(3), { by: 'attach' });
      toNextReport(e);
      const all = new Uint8Array(8).fill(0xff);
      e.request('GETSIGMASK of 0 bytes', PTRACE.GETSIGMASK, 0, new Uint8Array(8));
      e.request('GETSIGMASK of 4 bytes', PTRACE.GETSIGMASK, 4, new Uint8Array(8));
      e.request('GETSIGMASK of 16 bytes', PTRACE.GETSIGMASK, 16, new Uint8Array(16));
      e.request('SETSIGMASK of 4 bytes', PTRACE.SETSIGMASK, 4, all);
      e.request('SETSIGMASK of 16 bytes', PTRACE.SETSIGMASK, 16, new Uint8Array(16));
      e.request('GETSIGMASK into nothing', PTRACE.GETSIGMASK, 8, null);
      e.request('SETSIGMASK from nothing', PTRACE.SETSIGMASK, 8, null);
      e.sigmask();
      e.request('SETSIGMASK of all signals', PTRACE.SETSIGMASK, 8, all);
      e.sigmask();
      e.blocked();
    },
    expect: `
      E: GETSIGMASK of 0 bytes = EINVAL
      E: GETSIGMASK of 4 bytes = EINVAL
      E: GETSIGMASK of 16 bytes = EINVAL
      E: SETSIGMASK of 4 bytes = EINVAL
      E: SETSIGMASK of 16 bytes = EINVAL
      E: GETSIGMASK into nothing = EFAULT
      E: SETSIGMASK from nothing = EFAULT
      E: sigmask = SIGUSR2
      E: SETSIGMASK of all signals = 0
      E: sigmask = all but SIGKILL SIGSTOP
      E: blocked = all but SIGKILL SIGSTOP
    `,
  }),
];
