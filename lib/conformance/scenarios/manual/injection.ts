/** Signal-delivery-stop: which signals are reported, and what becomes of a signal that a restart injects. */
import { PTRACE_O } from '../../../kernel/options.js';
import { toEntry } from '../../parts/system-calls.js';
import { scenario, suite, type Scenario } from '../../scenario.js';
import { page } from './tools.js';

const delivery = page('Signal-delivery-stop');
const injecting = page('Signal injection and suppression');

export const injection: readonly Scenario[] = [
  scenario({
    id: 'all-signals-reported',
    title: 'A tracee stops for signals that it ignores, too',
    source: [delivery, suite('ltp', 'ptrace01')],
    tags: ['signals', 'signal-delivery-stop'],
    rule:
      'Whether a signal is ignored, by the tracee or by default, is looked at only after its tracer has seen it; then it has no effect. Without a tracer ' +
      'such a signal is not even queued.',
    play(s) {
      const e = s.tracee(
        'E',
        (c) => {
          c.ignore('SIGUSR1').ignore('SIGTERM').tgkillSelf('SIGUSR1').tgkillSelf('SIGTERM');
          for (const signal of ['SIGCHLD', 'SIGWINCH', 'SIGURG', 'SIGCONT']) c.tgkillSelf(signal);
          c.exitGroup(3);
        },
        { by: 'traceme' },
      );
      e.cont();
      e.wait();
      for (const signal of ['SIGUSR1', 'SIGTERM', 'SIGCHLD', 'SIGWINCH', 'SIGURG', 'SIGCONT']) {
        e.cont(signal);
        e.wait();
      }
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: CONT SIGUSR1 = 0
      E: wait = stopped by SIGTERM
      E: CONT SIGTERM = 0
      E: wait = stopped by SIGCHLD
      E: CONT SIGCHLD = 0
      E: wait = stopped by SIGWINCH
      E: CONT SIGWINCH = 0
      E: wait = stopped by SIGURG
      E: CONT SIGURG = 0
      E: wait = stopped by SIGCONT
      E: CONT SIGCONT = 0
      E: wait = exited 3
    `,
  }),

  scenario({
    id: 'blocked-not-reported',
    title: 'A blocked signal makes no signal-delivery-stop before it is unblocked',
    source: [delivery],
    tags: ['signals', 'signal-delivery-stop', 'signal-mask'],
    rule:
      'The stop belongs to the delivery, not to the sending: while the tracee blocks a signal it only pends. With several that may be delivered the ' +
      'lowest number comes first.',
    play(s) {
      const e = s.tracee('E', (c) => {
        c.block('SIGUSR1', 'SIGHUP').tgkillSelf('SIGUSR1').tgkillSelf('SIGHUP').tgkillSelf('SIGUSR2');
        c.unblock('SIGUSR1', 'SIGHUP').exitGroup(3);
      });
      e.cont();
      e.wait();
      e.pending();
      e.cont();
      e.wait();
      e.pending();
      e.cont();
      e.wait();
      e.cont();
      e.wait();
    },
    since: '3.4',
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR2
      E: pending = SIGHUP SIGUSR1
      E: CONT = 0
      E: wait = stopped by SIGHUP
      E: pending = SIGUSR1
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: CONT = 0
      E: wait = exited 3
    `,
  }),

  scenario({
    id: 'inject-blocked-requeues',
    title: 'An injected signal that the tracee blocks is queued, and reported once more when it is unblocked',
    source: [injecting, suite('ptrace-tests', 'ptrace_cont-defeats-sigblock')],
    tags: ['signals', 'injection', 'signal-mask'],
    rule:
      'Injecting does not override the mask. The signal pends, and at its delivery there is a signal-delivery-stop again. One that was not the signal of ' +
      'the stop gets a siginfo as if the tracer had sent it with kill(2).',
    play(s) {
      const e = s.tracee(
        'E',
        (c) => c.block('SIGUSR1').tgkillSelf('SIGUSR2').tgkillSelf('SIGHUP').unblock('SIGUSR1').exitGroup(3),
        { by: 'traceme' },
      );
      e.cont();
      e.wait();
      e.cont('SIGUSR1');
      e.wait();
      e.pending();
      e.cont();
      e.wait();
      e.siginfo();
      e.cont('SIGUSR1');
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR2
      E: CONT SIGUSR1 = 0
      E: wait = stopped by SIGHUP
      E: pending = SIGUSR1
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: siginfo = SIGUSR1 SI_USER from R
      E: CONT SIGUSR1 = 0
      E: wait = killed by SIGUSR1
    `,
  }),

  scenario({
    id: 'inject-different-stop-signal',
    title: 'A stop signal injected instead of another one gives the group-stop its own number',
    source: [injecting],
    tags: ['signals', 'injection', 'group-stop', 'seize'],
    rule: 'What is injected is delivered, not what was sent: SIGTSTP at the stop of SIGSTOP makes a group-stop by SIGTSTP.',
    since: '3.4',
    play(s) {
      const e = s.pauser();
      e.seize();
      e.kill('SIGSTOP');
      e.wait();
      e.cont('SIGTSTP');
      e.wait();
      e.siginfo();
    },
    expect: `
      E: SEIZE = 0
      E: kill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: CONT SIGTSTP = 0
      E: wait = event STOP SIGTSTP
      E: siginfo = SIGTSTP 0x8014 from E
    `,
  }),

  scenario({
    id: 'inject-from-event-stop-ignored',
    title: 'A signal given to CONT or DETACH at an EVENT_STOP is dropped',
    source: [page('Informational and restarting ptrace commands'), page('Attaching and detaching')],
    tags: ['signals', 'injection', 'event-stop', 'detach'],
    rule:
      'Only in a signal-delivery-stop is there a signal to be replaced. At PTRACE_EVENT stops the number is ignored without an error, by DETACH too. ' +
      'A tracer that wants to send a signal there must use tgkill(2).',
    since: '3.4',
    play(s) {
      const e = s.tracee('E', (c) => c.loop((again) => again.pause()));
      e.cont('SIGTERM');
      e.poll();
      e.pending();
      // A fence: a signal sent later is what is reported next.
      e.tgkill('SIGUSR1');
      e.wait();
      e.cont();
      e.interrupt();
      e.wait();
      e.detach('SIGTERM');
      e.untilAsleep();
      e.state();
      e.pending();
    },
    expect: `
      E: CONT SIGTERM = 0
      E: poll = nothing
      E: pending = none
      E: tgkill SIGUSR1 = 0
      E: wait = stopped by SIGUSR1
      E: CONT = 0
      E: INTERRUPT = 0
      E: wait = event STOP SIGTRAP
      E: DETACH SIGTERM = 0
      E: state = S (sleeping)
      E: pending = none
    `,
  }),

  scenario({
    id: 'inject-from-syscall-stop-queues',
    title: 'A signal given to a restart at a system call stop is sent to the tracee as the kernel’s own',
    source: [page('Syscall-stops')],
    tags: ['signals', 'injection', 'syscall-stop', 'detach'],
    rule:
      'At a syscall-stop the number is not dropped: the signal is queued, with SI_KERNEL and no sender, and has a signal-delivery-stop of its own when ' +
      'the system call is over. DETACH does the same, so here its signal takes effect.',
    play(s) {
      const options = PTRACE_O.TRACESYSGOOD;
      const e = s.tracee('E', (c) => c.syscall('getppid').exitGroup(3), { by: 'traceme', options });
      toEntry(e, 'getppid');
      e.syscall('SIGUSR1');
      e.wait();
      e.pending();
      e.syscall();
      e.wait();
      e.siginfo();
      e.cont();
      e.wait();
      const f = s.tracee('F', (c) => c.syscall('getppid').loop((again) => again.pause()), { by: 'traceme', options });
      toEntry(f, 'getppid');
      f.detach('SIGTERM');
      f.wait();
    },
    expect: `
      E: SYSCALL SIGUSR1 = 0
      E: wait = syscall-stop
      E: pending = SIGUSR1
      E: SYSCALL = 0
      E: wait = stopped by SIGUSR1
      E: siginfo = SIGUSR1 SI_KERNEL from the kernel
      E: CONT = 0
      E: wait = exited 3
      F: DETACH SIGTERM = 0
      F: wait = killed by SIGTERM
    `,
  }),

  scenario({
    id: 'inject-from-handler-step-stop-ignored',
    title: 'A signal given to a restart at the stop before a handler’s first instruction is dropped',
    source: [page('Informational and restarting ptrace commands')],
    needs: ['step.single'],
    tags: ['signals', 'injection', 'step', 'handler'],
    rule:
      'SINGLESTEP with a signal that has a handler stops before the first instruction of the handler. The wait status looks like a signal-delivery-stop ' +
      'of SIGTRAP, but there is no such signal: its siginfo has SIGTRAP as its code too, and what is injected there gets lost.',
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .handle('SIGUSR1', (h) => h.store('handled', 1))
            .tgkillSelf('SIGUSR1')
            .exitGroup(c.word('handled')),
        { by: 'traceme' },
      );
      e.cont();
      e.wait();
      e.step('SIGUSR1');
      e.wait();
      e.siginfo();
      e.cont('SIGTERM');
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: SINGLESTEP SIGUSR1 = 0
      E: wait = stopped by SIGTRAP
      E: siginfo = SIGTRAP 0x5 from E
      E: CONT SIGTERM = 0
      E: wait = exited 1
    `,
  }),

  scenario({
    id: 'attach-sigstop-siginfo',
    title: 'The SIGSTOP of ATTACH comes from the kernel',
    source: [page('Attaching and detaching')],
    tags: ['attach', 'signals', 'siginfo'],
    rule:
      'ATTACH sends a SIGSTOP to the thread, with SI_KERNEL and no sender. One that somebody has sent with kill(2) has SI_USER and a pid: so a tracer ' +
      'can tell them apart, and suppress its own only.',
    play(s) {
      const e = s.pauser();
      e.attach();
      e.wait();
      e.siginfo();
      e.cont();
      e.kill('SIGSTOP');
      e.wait();
      e.siginfo();
    },
    expect: `
      E: ATTACH = 0
      E: wait = stopped by SIGSTOP
      E: siginfo = SIGSTOP SI_KERNEL from the kernel
      E: CONT = 0
      E: kill SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: siginfo = SIGSTOP SI_USER from R
    `,
  }),

  scenario({
    id: 'concurrent-sigstop-loss',
    title: 'A SIGSTOP that pends when ATTACH sends its own may get lost in it',
    source: [page('Attaching and detaching')],
    tags: ['attach', 'signals', 'group-stop'],
    rule:
      'The manual page calls it a design bug: a tracer cannot tell whether the SIGSTOP it sees is only its own, and when it suppresses it another one may ' +
      'be gone with it. The tracee sleeps in vfork(2) here, where it takes no signals, so that both pend at once.',
    recorded: 'the interface is at fault, and a kernel may keep the two apart or not',
    play(s) {
      for (const directed of ['thread', 'process'] as const) {
        const name = directed === 'thread' ? 'E sent SIGSTOP by tgkill' : 'E sent SIGSTOP by kill';
        const e = s.child(name, (c) => {
          c.block('SIGCHLD')
            .vfork((v) => v.waitUntil('gate', '!=', 0).exitGroup(0))
            .loop((again) => again.pause());
        });
        e.untilState('D');
        if (directed === 'thread') e.tgkill('SIGSTOP');
        else e.kill('SIGSTOP');
        e.attach();
        e.pending();
        e.setWord('gate', 1n);
        e.wait();
        e.siginfo();
        e.cont();
        e.poll();
      }
    },
  }),
];
