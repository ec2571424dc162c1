/** The user area of x86-64: what POKEUSER refuses, and SETOPTIONS by its old number. */
import { debugRegisterOffset, USER_AREA_SIZE, userRegisterOffset } from '../../../../kernel/arch/x64/user-area.js';
import { PTRACE_X64 } from '../../../../kernel/arch/x64/requests.js';
import { PTRACE_O } from '../../../../kernel/options.js';
import { toNextReport } from '../../../parts/system-calls.js';
import { manual, scenario, suite, type Scenario } from '../../../scenario.js';
import { peekUser, pokeUser } from './user-words.js';

const source = manual('ptrace(2)', 'DESCRIPTION');

/** Where user space ends, with four levels of page tables: no base may lie there or above. */
const KERNEL_HALF = 0xffff_8000_0000_0000n;
const NOT_CANONICAL = 0x8000_0000_0000_0000n;

export const x64ManualRegisters: readonly Scenario[] = [
  scenario({
    id: 'pokeuser-register-rules',
    title: 'POKEUSER refuses selectors and bases that user mode must not have with EIO, and masks the flags',
    source: [source],
    arch: ['x64'],
    tags: ['registers', 'errors'],
    rule:
      'A selector must be null or of privilege 3, those of the code and stack segment not null; a base must lie in user space. The flags take what user ' +
      'mode may change, the rest is dropped without a word. The program counter may be anything: the tracee faults when it gets there.',
    play(s) {
      const e = s.tracee('E', (c) => c.tgkillSelf('SIGUSR1').exitGroup(3), { by: 'attach' });
      toNextReport(e);
      pokeUser(e, 'cs 0', userRegisterOffset('cs'), 0n);
      pokeUser(e, 'ss 0', userRegisterOffset('ss'), 0n);
      pokeUser(e, 'cs 0x10', userRegisterOffset('cs'), 0x10n);
      pokeUser(e, 'ds 0x10', userRegisterOffset('ds'), 0x10n);
      pokeUser(e, 'fs 0x10', userRegisterOffset('fs'), 0x10n);
      pokeUser(e, 'ds 0', userRegisterOffset('ds'), 0n);
      pokeUser(e, 'fs_base in the kernel', userRegisterOffset('fs_base'), KERNEL_HALF);
      pokeUser(e, 'gs_base in the kernel', userRegisterOffset('gs_base'), KERNEL_HALF);
      pokeUser(e, 'gs_base 0x1000', userRegisterOffset('gs_base'), 0x1000n);
      peekUser(e, 'gs_base', userRegisterOffset('gs_base'));
      pokeUser(e, 'eflags ~0', userRegisterOffset('eflags'), 0xffff_ffff_ffff_ffffn);
      peekUser(e, 'eflags', userRegisterOffset('eflags'));
      pokeUser(e, 'eflags 0', userRegisterOffset('eflags'), 0n);
      peekUser(e, 'eflags', userRegisterOffset('eflags'));
      pokeUser(e, 'rip that is no address', userRegisterOffset('rip'), NOT_CANONICAL);
      peekUser(e, 'rip', userRegisterOffset('rip'));
      peekUser(e, 'at an offset that is no multiple of 8', 4);
      peekUser(e, 'at the end of the area', USER_AREA_SIZE);
      pokeUser(e, 'at the end of the area', USER_AREA_SIZE, 0n);
      e.cont();
      e.wait();
    },
    expect: `
      E: POKEUSER cs 0 = EIO
      E: POKEUSER ss 0 = EIO
      E: POKEUSER cs 0x10 = EIO
      E: POKEUSER ds 0x10 = EIO
      E: POKEUSER fs 0x10 = EIO
      E: POKEUSER ds 0 = 0
      E: POKEUSER fs_base in the kernel = EIO
      E: POKEUSER gs_base in the kernel = EIO
      E: POKEUSER gs_base 0x1000 = 0
      E: PEEKUSER gs_base = 0x1000
      E: POKEUSER eflags ~0 = 0
      E: PEEKUSER eflags = 0x54fd7
      E: POKEUSER eflags 0 = 0
      E: PEEKUSER eflags = 0x202
      E: POKEUSER rip that is no address = 0
      E: PEEKUSER rip = 0x8000000000000000
      E: PEEKUSER at an offset that is no multiple of 8 = EIO
      E: PEEKUSER at the end of the area = EIO
      E: POKEUSER at the end of the area = EIO
      E: CONT = 0
      E: wait = stopped by SIGSEGV
    `,
  }),

  scenario({
    id: 'debugreg-rules',
    title: 'POKEUSER of debug registers refuses kernel addresses and what the CPU cannot watch with EINVAL',
    source: [source, suite('ltp', 'ptrace08')],
    arch: ['x64'],
    needs: ['debug.watchpoints'],
    tags: ['debug-registers', 'errors'],
    rule:
      'DR4 and DR5 are no registers: EIO, and they read as 0. DR0 to DR3 take addresses of user space only, DR7 none of the kinds that a task cannot ' +
      'have (I/O): EINVAL. A slot may be enabled before it has an address: then it watches 0.',
    since: '3.2',
    play(s) {
      const e = s.tracee('E', (c) => c.tgkillSelf('SIGUSR1').exitGroup(3), { by: 'attach' });
      toNextReport(e);
      const dr = debugRegisterOffset;
      pokeUser(e, 'dr4', dr(4), 0n);
      pokeUser(e, 'dr5', dr(5), 0n);
      peekUser(e, 'dr4', dr(4));
      peekUser(e, 'dr5', dr(5));
      pokeUser(e, 'dr0 in the kernel', dr(0), KERNEL_HALF);
      peekUser(e, 'dr0', dr(0));
      pokeUser(e, 'dr7 with a watch on I/O', dr(7), 0x2_0001n);
      peekUser(e, 'dr7', dr(7));
      pokeUser(e, 'dr7 with a watch on writes, without an address', dr(7), 0x1_0001n);
      pokeUser(e, 'dr0', dr(0), 0x1000n);
      peekUser(e, 'dr0', dr(0));
      pokeUser(e, 'dr0 in the kernel', dr(0), KERNEL_HALF);
      peekUser(e, 'dr0', dr(0));
      pokeUser(e, 'dr7 0', dr(7), 0n);
      e.cont();
      e.wait();
    },
    expect: `
      E: POKEUSER dr4 = EIO
      E: POKEUSER dr5 = EIO
      E: PEEKUSER dr4 = 0x0
      E: PEEKUSER dr5 = 0x0
      E: POKEUSER dr0 in the kernel = EINVAL
      E: PEEKUSER dr0 = 0x0
      E: POKEUSER dr7 with a watch on I/O = EINVAL
      E: PEEKUSER dr7 = 0x0
      E: POKEUSER dr7 with a watch on writes, without an address = 0
      E: POKEUSER dr0 = 0
      E: PEEKUSER dr0 = 0x1000
      E: POKEUSER dr0 in the kernel = EINVAL
      E: PEEKUSER dr0 = 0x1000
      E: POKEUSER dr7 0 = 0
      E: CONT = 0
      E: wait = exited 3
    `,
  }),

  scenario({
    id: 'oldsetoptions',
    title: 'Request 21 is SETOPTIONS',
    source: [manual('ptrace(2)', 'PTRACE_SETOPTIONS')],
    arch: ['x64'],
    tags: ['options'],
    rule: 'It is the number that SETOPTIONS had on x86 at first. Both do the same, errors too.',
    play(s) {
      const e = s.tracee('E', (c) => c.syscall('getppid').exitGroup(3), { by: 'traceme' });
      e.request('OLDSETOPTIONS of an unknown option', PTRACE_X64.OLDSETOPTIONS, 0, 1 << 30);
      e.request('OLDSETOPTIONS TRACESYSGOOD', PTRACE_X64.OLDSETOPTIONS, 0, PTRACE_O.TRACESYSGOOD);
      e.syscall();
      e.wait();
    },
    expect: `
      E: OLDSETOPTIONS of an unknown option = EINVAL
      E: OLDSETOPTIONS TRACESYSGOOD = 0
      E: SYSCALL = 0
      E: wait = syscall-stop
    `,
  }),
];
