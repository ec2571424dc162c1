/** The signal mask, siginfo and injection of signals. */
import { PTRACE } from '../../../kernel/requests.js';
import { SIG } from '../../../kernel/signals.js';
import { result, SA } from '../../../raw/child.js';
import { getSiginfo } from '../../../raw/index.js';
import { manual, scenario, type Scenario } from '../../scenario.js';
import { gvisorTest } from './tools.js';

const SIGSET = 8;

export const signals: readonly Scenario[] = [
  scenario({
    id: 'GetSigMask',
    title: 'SETSIGMASK that unblocks a pending signal has it delivered when the tracee goes on',
    source: [gvisorTest('GetSigMask'), manual('ptrace(2)', 'PTRACE_GETSIGMASK')],
    also: ['ptrace.c'],
    tags: ['sigmask', 'signals', 'errors'],
    rule:
      'The mask is that of the tracee’s thread, 8 bytes whatever the C library’s sigset_t is: another size gives EINVAL. A new mask is looked at before the ' +
      'tracee returns to its program, so a signal that waited for it comes next.',
    since: '3.11',
    play(s) {
      const e = s.tracee('E', (c) => c.block('SIGUSR1').tgkillSelf('SIGUSR1').tgkillSelf('SIGUSR2').exitGroup(0), {
        by: 'attach',
      });
      e.cont();
      e.wait();
      e.sigmask();
      e.pending();
      e.request('GETSIGMASK of 0 bytes', PTRACE.GETSIGMASK, 0, null);
      e.request('GETSIGMASK of 16 bytes', PTRACE.GETSIGMASK, 16, new Uint8Array(16));
      e.request('SETSIGMASK from the null pointer', PTRACE.SETSIGMASK, SIGSET, null);
      e.sigmask();
      e.request('SETSIGMASK of nothing', PTRACE.SETSIGMASK, SIGSET, new Uint8Array(SIGSET));
      e.sigmask();
      e.cont();
      e.wait();
      e.cont();
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR2
      E: sigmask = SIGUSR1
      E: pending = SIGUSR1
      E: GETSIGMASK of 0 bytes = EINVAL
      E: GETSIGMASK of 16 bytes = EINVAL
      E: SETSIGMASK from the null pointer = EFAULT
      E: sigmask = SIGUSR1
      E: SETSIGMASK of nothing = 0
      E: sigmask = none
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: CONT = 0
      E: wait = exited 0
    `,
  }),

  scenario({
    id: 'GetSiginfo_SetSiginfo_SignalInjection',
    title: 'The siginfo of SETSIGINFO is what the handler gets, with the signal of DETACH',
    source: [
      gvisorTest('GetSiginfo_SetSiginfo_SignalInjection'),
      manual('ptrace(2)', 'Signal injection and suppression'),
    ],
    tags: ['siginfo', 'signals', 'detach'],
    rule:
      'A tracer may replace a signal by another. If the siginfo that it has set names the injected signal it is kept as it is; otherwise the kernel makes ' +
      'a new one that says the tracer has sent it.',
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .handle(
              'SIGUSR2',
              (h) => {
                h.store('signal', result);
                h.loadAt(h.register(1), 4).store('si_signo');
                h.compute(h.register(1), 'add', 8).loadAt(result, 4).store('si_code');
                h.compute(h.register(1), 'add', 16).loadAt(result, 4).store('si_pid');
              },
              { flags: SA.SIGINFO },
            )
            .tgkillSelf('SIGUSR1')
            .store('done', 1)
            .loop((again) => again.pause()),
        { by: 'attach' },
      );
      e.cont();
      e.wait();
      e.siginfo();
      const { bytes } = getSiginfo(e.tid);
      const fields = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      fields.setInt32(0, SIG.SIGUSR2, true);
      fields.setInt32(16, 4321, true);
      e.request('SETSIGINFO', PTRACE.SETSIGINFO, 0, bytes);
      e.detach('SIGUSR2');
      e.untilSet('done');
      for (const word of ['signal', 'si_signo', 'si_code', 'si_pid']) e.observe(word, e.word(word));
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: siginfo = SIGUSR1 SI_TKILL from E
      E: SETSIGINFO = 0
      E: DETACH SIGUSR2 = 0
      E: signal = 12
      E: si_signo = 12
      # SI_TKILL
      E: si_code = -6
      E: si_pid = 4321
    `,
  }),
];
