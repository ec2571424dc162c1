/** Which requests need a stop, and how those that cannot be granted fail. */
import { readdirSync } from 'node:fs';
import { PTRACE_O } from '../../../kernel/options.js';
import { NT } from '../../../kernel/regsets.js';
import { PTRACE, STRUCT_SIZE } from '../../../kernel/requests.js';
import { procIsKernelThread } from '../../../proc.js';
import type { Actor } from '../../actor.js';
import { NO_SUCH_TID } from '../../parts/nothing.js';
import { ask } from '../../parts/script-requests.js';
import { anyonesPauser } from '../../parts/sleepers.js';
import { otherTracer } from '../../parts/tracing.js';
import { scenario, suite, type Scenario } from '../../scenario.js';
import { page } from './tools.js';

/** A number far from all requests there are. */
const UNKNOWN = 0x7777;

export const requestsAndErrors: readonly Scenario[] = [
  scenario({
    id: 'stopped-required-esrch',
    title: 'While a tracee runs, every request that needs a ptrace-stop gives ESRCH',
    source: [page('RETURN VALUE')],
    tags: ['errors', 'seize'],
    rule:
      'Only ATTACH, SEIZE, TRACEME, INTERRUPT and KILL may be made while the tracee runs. For all others, those with an unknown number too, a running ' +
      'tracee is as good as none: ESRCH, and the tracee notices nothing. So ESRCH alone does not tell a tracer that the tracee is dead.',
    since: '3.11',
    play(s) {
      const e = s.pauser();
      e.seize();
      e.cont();
      e.syscall();
      e.step();
      e.detach();
      e.listen();
      e.setOptions(0);
      e.eventMessage();
      e.siginfo();
      e.request('SETSIGINFO', PTRACE.SETSIGINFO, 0, new Uint8Array(STRUCT_SIZE.SIGINFO));
      e.request('PEEKSIGINFO', PTRACE.PEEKSIGINFO, new Uint8Array(STRUCT_SIZE.PEEKSIGINFO_ARGS), null);
      e.sigmask();
      e.request('SETSIGMASK', PTRACE.SETSIGMASK, 8, new Uint8Array(8));
      e.request('PEEKDATA', PTRACE.PEEKDATA, 0, new Uint8Array(8));
      e.request('PEEKTEXT', PTRACE.PEEKTEXT, 0, new Uint8Array(8));
      e.request('POKEDATA', PTRACE.POKEDATA, 0, 0);
      e.request('POKETEXT', PTRACE.POKETEXT, 0, 0);
      e.request('GETREGSET', PTRACE.GETREGSET, NT.PRSTATUS, new Uint8Array(1024));
      e.request('SETREGSET', PTRACE.SETREGSET, NT.PRSTATUS, new Uint8Array(8));
      e.request('unknown request', UNKNOWN, 0, 0);
      e.poll();
      e.interrupt();
      e.wait();
    },
    expect: `
      E: SEIZE = 0
      E: CONT = ESRCH
      E: SYSCALL = ESRCH
      E: SINGLESTEP = ESRCH
      E: DETACH = ESRCH
      E: LISTEN = ESRCH
      E: SETOPTIONS = ESRCH
      E: event message = ESRCH
      E: siginfo = ESRCH
      E: SETSIGINFO = ESRCH
      E: PEEKSIGINFO = ESRCH
      E: sigmask = ESRCH
      E: SETSIGMASK = ESRCH
      E: PEEKDATA = ESRCH
      E: PEEKTEXT = ESRCH
      E: POKEDATA = ESRCH
      E: POKETEXT = ESRCH
      E: GETREGSET = ESRCH
      E: SETREGSET = ESRCH
      E: unknown request = ESRCH
      E: poll = nothing
      E: INTERRUPT = 0
      E: wait = event STOP SIGTRAP
    `,
  }),

  scenario({
    id: 'untraced-esrch',
    title: 'Requests of a process that the caller does not trace give ESRCH',
    source: [page('ERRORS')],
    tags: ['errors'],
    rule:
      'To ptrace there is no difference between a process that is not traced, one that another process traces, and one that does not exist: ESRCH. ' +
      'INTERRUPT and KILL, which need no stop, need the tracer all the same, and leave the process alone.',
    since: '3.4',
    play(s) {
      const requests = (who: Actor): void => {
        who.cont();
        who.detach();
        who.interrupt();
        who.listen();
        who.ptraceKill();
        who.siginfo();
      };
      const e = s.pauser('untraced');
      requests(e);
      e.state();
      const f = anyonesPauser(s, 'traced by T');
      otherTracer(s, f);
      f.tracer();
      requests(f);
      f.state();
      requests(s.adopt('nobody', NO_SUCH_TID));
    },
    expect: `
      untraced: CONT = ESRCH
      untraced: DETACH = ESRCH
      untraced: INTERRUPT = ESRCH
      untraced: LISTEN = ESRCH
      untraced: KILL = ESRCH
      untraced: siginfo = ESRCH
      untraced: state = S (sleeping)
      traced by T: tracer = T
      traced by T: CONT = ESRCH
      traced by T: DETACH = ESRCH
      traced by T: INTERRUPT = ESRCH
      traced by T: LISTEN = ESRCH
      traced by T: KILL = ESRCH
      traced by T: siginfo = ESRCH
      traced by T: state = S (sleeping)
      nobody: CONT = ESRCH
      nobody: DETACH = ESRCH
      nobody: INTERRUPT = ESRCH
      nobody: LISTEN = ESRCH
      nobody: KILL = ESRCH
      nobody: siginfo = ESRCH
    `,
  }),

  scenario({
    id: 'unknown-request-eio',
    title: 'An unknown request of a tracee in a ptrace-stop gives EIO and leaves the stop alone',
    source: [page('ERRORS')],
    tags: ['errors'],
    rule:
      'A request number that the kernel does not know gives EIO, not EINVAL or ENOSYS. That is how a tracer finds out that a kernel is too old for a ' +
      'request, and the stop is as it was.',
    play(s) {
      const e = s.tracee('E', (c) => c.tgkillSelf('SIGUSR1').exitGroup(3), { by: 'attach' });
      e.cont();
      e.wait();
      e.request('unknown request', UNKNOWN, 0, 0);
      e.request('request of the largest number', 0xffffffff, 0, 0);
      e.siginfo();
      e.cont();
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: unknown request = EIO
      E: request of the largest number = EIO
      E: siginfo = SIGUSR1 SI_TKILL from E
      E: CONT = 0
      E: wait = exited 3
    `,
  }),

  scenario({
    id: 'bad-restart-signal-eio',
    title: 'A restarting request with a number that is no signal gives EIO, and the tracee stays stopped',
    source: [page('ERRORS'), suite('rr', 'x86/ptrace.c')],
    tags: ['errors', 'injection', 'detach'],
    rule:
      'The signal to inject is looked at before anything else happens: what lies above the last signal gives EIO. The tracee is neither restarted nor ' +
      'detached, and the signal of its stop is still there to be delivered.',
    play(s) {
      const e = s.tracee('E', (c) => c.tgkillSelf('SIGUSR1').exitGroup(3), { by: 'attach' });
      e.cont();
      e.wait();
      e.request('CONT with signal 65', PTRACE.CONT, 0, 65);
      e.request('CONT with signal -1', PTRACE.CONT, 0, -1);
      e.request('SYSCALL with signal 65', PTRACE.SYSCALL, 0, 65);
      e.request('SINGLESTEP with signal 65', PTRACE.SINGLESTEP, 0, 65);
      e.request('DETACH with signal 65', PTRACE.DETACH, 0, 65);
      e.request('DETACH with signal -1', PTRACE.DETACH, 0, -1);
      e.state();
      e.tracer();
      e.siginfo();
      e.cont('SIGUSR1');
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: CONT with signal 65 = EIO
      E: CONT with signal -1 = EIO
      E: SYSCALL with signal 65 = EIO
      E: SINGLESTEP with signal 65 = EIO
      E: DETACH with signal 65 = EIO
      E: DETACH with signal -1 = EIO
      E: state = t (tracing stop)
      E: tracer = R
      E: siginfo = SIGUSR1 SI_TKILL from E
      E: CONT SIGUSR1 = 0
      E: wait = killed by SIGUSR1
    `,
  }),

  scenario({
    id: 'attach-eperm',
    title: 'What is traced already, a zombie, and the own process cannot be attached: EPERM',
    source: [page('ERRORS')],
    tags: ['errors', 'attach', 'seize'],
    rule:
      'There is one tracer at a time, and no tracing within a process: a thread that has a tracer, be it the caller itself, one that is dead and not yet ' +
      'reaped, the caller and the threads of its own process are refused with EPERM. Only what does not exist gives ESRCH.',
    since: '3.4',
    play(s) {
      const both = (who: Actor): void => {
        who.attach();
        who.seize();
      };
      const e = s.pauser('traced by R');
      s.unrecorded(() => e.seize());
      both(e);
      const f = anyonesPauser(s, 'traced by T');
      const t = s.child('T', (c) => {
        c.syscall('gettid').store('own');
        ask(c, 'ATTACH of itself', PTRACE.ATTACH, c.word('own'));
        ask(c, 'SEIZE of itself', PTRACE.SEIZE, c.word('own'));
        c.thread((thread) => {
          ask(thread, 'ATTACH by another thread of T', PTRACE.ATTACH, c.word('own'));
          ask(thread, 'SEIZE by another thread of T', PTRACE.SEIZE, c.word('own'));
          thread.store('thread done', 1);
        });
        ask(c, 'SEIZE of another child of R', PTRACE.SEIZE, f.tid);
        c.store('done', 1);
        c.loop((again) => again.pause());
      });
      t.untilSet('done');
      t.untilSet('thread done');
      t.result('SEIZE of another child of R');
      both(f);
      t.result('ATTACH of itself');
      t.result('SEIZE of itself');
      t.result('ATTACH by another thread of T');
      t.result('SEIZE by another thread of T');
      const z = s.child('zombie', (c) => c.exitGroup(7));
      z.untilState('Z');
      both(z);
      z.wait();
      both(s.adopt('nobody', NO_SUCH_TID));
    },
    expect: `
      traced by R: ATTACH = EPERM
      traced by R: SEIZE = EPERM
      T: SEIZE of another child of R = 0
      traced by T: ATTACH = EPERM
      traced by T: SEIZE = EPERM
      T: ATTACH of itself = EPERM
      T: SEIZE of itself = EPERM
      T: ATTACH by another thread of T = EPERM
      T: SEIZE by another thread of T = EPERM
      zombie: ATTACH = EPERM
      zombie: SEIZE = EPERM
      zombie: wait = exited 7
      nobody: ATTACH = ESRCH
      nobody: SEIZE = ESRCH
    `,
  }),

  scenario({
    id: 'attach-eperm-kernel-thread',
    title: 'The threads of the kernel cannot be attached: EPERM, for root too',
    source: [page('ERRORS')],
    tags: ['errors', 'attach', 'seize'],
    rule: 'A thread of the kernel has no user mode that a tracer could stop it on the way to. No capability changes that.',
    since: '3.4',
    play(s) {
      const found = readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .find((name) => procIsKernelThread(Number(name)) === true);
      if (found === undefined) s.skip('no thread of the kernel is seen from here: this is another pid namespace');
      const k = s.adopt('kernel thread', Number(found));
      k.attach();
      k.seize();
      k.tracer();
    },
    expect: `
      kernel thread: ATTACH = EPERM
      kernel thread: SEIZE = EPERM
      kernel thread: tracer = nobody
    `,
  }),

  scenario({
    id: 'traceme-twice',
    title: 'A second TRACEME gives EPERM',
    source: [page('ERRORS'), suite('ltp', 'ptrace03')],
    tags: ['errors', 'traceme'],
    rule: 'TRACEME makes the parent the tracer; who has a tracer, by whatever request, cannot get one again.',
    play(s) {
      const e = s.child('E', (c) => {
        c.traceme().store('first TRACEME').traceme().store('second TRACEME').store('done', 1);
        c.waitUntil('gate', '!=', 0).tgkillSelf('SIGUSR1').exitGroup(3);
      });
      e.untilSet('done');
      e.result('first TRACEME');
      e.result('second TRACEME');
      e.tracer();
      e.setWord('gate', 1n);
      e.wait();
      const f = s.child('F', (c) => {
        c.waitUntil('gate', '!=', 0).traceme().store('TRACEME of a seized tracee').store('done', 1);
        c.loop((again) => again.pause());
      });
      s.unrecorded(() => f.seize(PTRACE_O.TRACESYSGOOD));
      f.setWord('gate', 1n);
      f.untilSet('done');
      f.result('TRACEME of a seized tracee');
    },
    expect: `
      E: first TRACEME = 0
      E: second TRACEME = EPERM
      E: tracer = R
      E: wait = stopped by SIGUSR1
      F: TRACEME of a seized tracee = EPERM
    `,
  }),
];
