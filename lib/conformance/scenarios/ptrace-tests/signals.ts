/** Signals that a restart delivers, keeps back or must not lose, and what a stop by one looks like. */
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE } from '../../../kernel/requests.js';
import { SIG } from '../../../kernel/signals.js';
import { W } from '../../../kernel/wait-flags.js';
import { SA, result } from '../../../raw/child.js';
import { tinyProgram } from '../../parts/programs.js';
import { observeCall } from '../../parts/system-calls.js';
import { manual, scenario, suite, type Scenario } from '../../scenario.js';
import { takesOrphans } from './orphans.js';

const injection = manual('ptrace(2)', 'Signal injection and suppression');

export const signals: readonly Scenario[] = [
  scenario({
    id: 'waitpid-double-report',
    title: 'A group-stop is reported once, also when the restart that led to it was SYSCALL',
    source: [suite('ptrace-tests', 'waitpid-double-report'), manual('ptrace(2)', 'Group-stop')],
    tags: ['group-stop', 'syscall-stop', 'wait'],
    rule:
      'The tracer takes each stop by one wait. A kernel that keeps the stop of job control beside the ptrace-stop finds it again by a wait for any, now ' +
      'without a signal.',
    play(s) {
      const e = s.child('E', (c) => c.traceme().killSelf('SIGSTOP').exitGroup(0));
      e.wait();
      e.syscall('SIGSTOP');
      e.wait();
      e.rest();
      s.observe('R: poll for any', s.look(-1, W.__WALL) === undefined ? 'nothing' : 'a report');
      e.poll();
    },
    expect: `
      E: wait = stopped by SIGSTOP
      E: SYSCALL SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      R: poll for any = nothing
      E: poll = nothing
    `,
  }),

  scenario({
    id: 'state-tracing-stop',
    title: 'In a ptrace-stop /proc says `t (tracing stop)`, not the `T (stopped)` of job control',
    source: [suite('ptrace-tests', 'state-tracing-stop'), manual('proc(5)', '/proc/pid/status')],
    tags: ['proc', 'signal-delivery-stop', 'group-stop'],
    rule: 'The two look alike to ps, and are not: SIGCONT ends the one and only the tracer the other. The letter tells them apart, and the word behind it.',
    play(s) {
      const e = s.tracee('E', (c) => c.tgkillSelf('SIGUSR1').loop((again) => again.pause()), { by: 'attach' });
      e.cont();
      e.wait();
      e.state();
      e.cont('SIGSTOP');
      e.wait();
      e.state();
      e.detach();
      e.rest();
      e.state();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: state = t (tracing stop)
      E: CONT SIGSTOP = 0
      E: wait = stopped by SIGSTOP
      E: state = t (tracing stop)
      E: DETACH = 0
      E: state = T (stopped)
    `,
  }),

  scenario({
    id: 'sa-resethand-on-cont-signal',
    title: 'A handler with SA_RESETHAND runs for a signal that CONT injects: it is reset by the delivery, and once',
    source: [suite('ptrace-tests', 'sa-resethand-on-cont-signal'), injection],
    tags: ['attach', 'injection', 'handlers'],
    rule:
      'The signal of a restart takes the place of the one that was reported, on its way to the handler. The action is looked up, and reset, after the ' +
      'report; a kernel that resets it before has nothing left for the injected signal, and the process dies by it.',
    play(s) {
      const e = s.child('E', (c) =>
        c
          .handle('SIGUSR1', (h) => h.exitGroup(42), { flags: SA.RESETHAND })
          .store('ready', 1)
          .loop((again) => again.pause()),
      );
      e.untilSet('ready');
      e.untilAsleep();
      e.attach();
      e.wait();
      e.cont('SIGUSR1');
      e.wait();
    },
    expect: `
      E: ATTACH = 0
      E: wait = stopped by SIGSTOP
      E: CONT SIGUSR1 = 0
      E: wait = exited 42
    `,
  }),

  scenario({
    id: 'ptrace_cont-defeats-sigblock',
    title: 'A signal that CONT injects while it is blocked waits until it is unblocked, and is reported then',
    source: [suite('ptrace-tests', 'ptrace_cont-defeats-sigblock'), injection],
    tags: ['injection', 'signal-mask'],
    rule: "A tracer injects signals, it does not lift the tracee's mask. A blocked one becomes pending, as if it had been sent, and comes as a signal-delivery-stop of its own.",
    play(s) {
      const e = s.child('E', (c) =>
        c.traceme().block('SIGUSR1').tgkillSelf('SIGSTOP').tgkillSelf('SIGSTOP').unblock('SIGUSR1').exitGroup(0),
      );
      e.wait();
      e.cont('SIGUSR1');
      e.wait();
      e.pending();
      e.cont();
      e.wait();
      e.cont();
      e.wait();
    },
    expect: `
      E: wait = stopped by SIGSTOP
      E: CONT SIGUSR1 = 0
      E: wait = stopped by SIGSTOP
      E: pending = SIGUSR1
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: CONT = 0
      E: wait = exited 0
    `,
  }),

  scenario({
    id: 'signal-loss',
    title: 'A signal sent in a syscall-entry-stop is reported after the restart, not at once and not never',
    source: [suite('ptrace-tests', 'signal-loss'), manual('ptrace(2)', 'Syscall-stops')],
    tags: ['syscall-stop', 'signal-delivery-stop'],
    rule:
      'A tracee in a ptrace-stop takes no signals, they stay pending. The system call that is about to be entered is interrupted by them, and the report ' +
      'comes on its way out.',
    play(s) {
      const e = s.pauser();
      e.attach();
      e.wait();
      e.setOptions(PTRACE_O.TRACESYSGOOD);
      // The restart of the call that the SIGSTOP has interrupted.
      e.syscall();
      e.wait();
      e.kill('SIGINT');
      e.poll();
      e.pending();
      e.cont();
      e.wait();
    },
    expect: `
      E: ATTACH = 0
      E: wait = stopped by SIGSTOP
      E: SETOPTIONS = 0
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: kill SIGINT = 0
      E: poll = nothing
      E: pending = SIGINT
      E: CONT = 0
      E: wait = stopped by SIGINT
    `,
  }),

  scenario({
    id: 'sigint-before-syscall-exit',
    title: 'After an exec event CONT makes no syscall-exit-stop, also when a signal is waiting',
    source: [suite('ptrace-tests', 'sigint-before-syscall-exit'), manual('ptrace(2)', 'PTRACE_EVENT stops')],
    tags: ['exec', 'syscall-stop', 'signal-delivery-stop'],
    rule:
      'What the tracer asked for at the entry ends with the next restart: CONT at the event means that the exit is not to be reported. The signal that ' +
      'came meanwhile is the next stop.',
    play(s) {
      const program = tinyProgram();
      const e = s.tracee('E', (c) => c.exec(program).exitGroup(1), { by: 'traceme', options: PTRACE_O.TRACEEXEC });
      e.syscall();
      e.wait();
      observeCall(e);
      e.syscall();
      e.wait();
      e.kill('SIGINT');
      e.cont();
      e.wait();
      e.siginfo();
      e.cont('SIGINT');
      e.wait();
    },
    expect: `
      E: SYSCALL = 0
      E: wait = stopped by SIGTRAP
      E: call = execve
      E: SYSCALL = 0
      E: wait = event EXEC
      E: kill SIGINT = 0
      E: CONT = 0
      E: wait = stopped by SIGINT
      E: siginfo = SIGINT SI_USER from R
      E: CONT SIGINT = 0
      E: wait = killed by SIGINT
    `,
  }),

  scenario({
    id: 'tracer-lockup-on-sighandler-kill',
    title:
      'A tracer that kills its tracee at the first instruction of a handler, and exits without a wait, comes to its end',
    source: [suite('ptrace-tests', 'tracer-lockup-on-sighandler-kill')],
    tags: ['step', 'handlers', 'sigkill', 'tracer-exit'],
    rule:
      'The end of a tracer detaches what it traces, also what is just dying. There kernels of 2.6 could turn in a circle for ever, which took a CPU with it. ' +
      'Here it is played for moments only.',
    needs: ['step.single'],
    play(s) {
      const count = 15;
      const rp = s.child('RP', (c) =>
        takesOrphans(c)
          .loop(
            (again) =>
              again
                .fork((tracer) => {
                  const step = (signal: number): void => {
                    tracer
                      .syscall('ptrace', PTRACE.SINGLESTEP, tracer.register(1), 0, signal)
                      .wait4(tracer.register(1));
                  };
                  tracer
                    .fork((e) =>
                      e
                        .traceme()
                        .handle('SIGUSR1', (h) => h.store('handled', 1))
                        .tgkillSelf('SIGUSR1')
                        .spin(),
                    )
                    .set(result, 1)
                    .wait4(tracer.register(1));
                  for (let i = 0; i < 3; i++) step(0);
                  step(SIG.SIGUSR1);
                  tracer
                    .syscall('ptrace', PTRACE.KILL, tracer.register(1), 0, 0)
                    .kill(tracer.register(1), 'SIGKILL')
                    // 7: it was in the stop of a step.
                    .when(tracer.status, '==', (SIG.SIGTRAP << 8) | 0x7f, (as) => as.exitGroup(7))
                    .exitGroup(1);
                })
                .loop(
                  (one) =>
                    one
                      .wait4()
                      .when(one.status, '==', 7 << 8, (is) => is.increment('tracers'))
                      .when(one.status, '==', SIG.SIGKILL, (is) => is.increment('tracees'))
                      .increment('reaped'),
                  2,
                ),
            count,
          )
          .loop((forever) => forever.pause()),
      );
      rp.untilWord('reaped', BigInt(2 * count));
      rp.observe('tracers that came to their end', rp.word('tracers'));
      rp.observe('tracees that were killed', rp.word('tracees'));
    },
    expect: `
      RP: tracers that came to their end = 15
      RP: tracees that were killed = 15
    `,
  }),
];
