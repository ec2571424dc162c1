/** PTRACE_EVENT_EXIT. */
import { PTRACE_O } from '../../../kernel/options.js';
import type { Actor } from '../../actor.js';
import { statusText } from '../../describe.js';
import { observeCall } from '../../parts/system-calls.js';
import { scenario, type Scenario } from '../../scenario.js';
import { page } from './tools.js';

const options = PTRACE_O.TRACEEXIT;

export const exits: readonly Scenario[] = [
  scenario({
    id: 'exit-event-codes',
    title: 'The message of EVENT_EXIT is the status that a wait will report; the registers are there still',
    source: [page('PTRACE_SETOPTIONS')],
    tags: ['exit', 'event-stop', 'detach'],
    rule:
      'The tracee stops on its way out, when its end is decided but its memory and registers are still there. Nothing that the tracer does can keep it ' +
      'alive. DETACH is allowed, and the end is then the parent’s to hear.',
    since: '3.4',
    play(s) {
      const e = s.tracee('exit(0)', (c) => c.exit(0), { options });
      e.cont();
      e.wait();
      e.eventMessage();
      e.cont();
      e.wait();
      const f = s.tracee('exit_group(5)', (c) => c.exitGroup(5), { options });
      f.cont();
      f.wait();
      f.eventMessage();
      observeCall(f);
      f.observe('its argument', f.registers().arg(0));
      f.cont('SIGUSR1');
      f.wait();
      const g = s.tracee('SIGTERM', (c) => c.tgkillSelf('SIGTERM'), { options });
      g.cont();
      g.wait();
      g.cont('SIGTERM');
      g.wait();
      g.eventMessage();
      g.siginfo();
      g.cont();
      g.wait();
      const h = s.tracee('detached', (c) => c.exitGroup(6), { options });
      h.cont();
      h.wait();
      h.detach();
      h.wait();
    },
    expect: `
      exit(0): CONT = 0
      exit(0): wait = event EXIT
      exit(0): event message = 0x0
      exit(0): CONT = 0
      exit(0): wait = exited 0
      exit_group(5): CONT = 0
      exit_group(5): wait = event EXIT
      exit_group(5): event message = 0x500
      exit_group(5): call = exit_group
      exit_group(5): its argument = 5
      exit_group(5): CONT SIGUSR1 = 0
      exit_group(5): wait = exited 5
      SIGTERM: CONT = 0
      SIGTERM: wait = stopped by SIGTERM
      SIGTERM: CONT SIGTERM = 0
      SIGTERM: wait = event EXIT
      SIGTERM: event message = 0xf
      SIGTERM: siginfo = SIGTRAP 0x605 from SIGTERM
      SIGTERM: CONT = 0
      SIGTERM: wait = killed by SIGTERM
      detached: CONT = 0
      detached: wait = event EXIT
      detached: DETACH = 0
      detached: wait = exited 6
    `,
  }),

  scenario({
    id: 'exit-event-on-sigkill',
    title: 'Whether a tracee that gets SIGKILL reports EVENT_EXIT is the kernel’s choice; it dies when it goes on',
    source: [page('BUGS'), page('Death under ptrace')],
    tags: ['exit', 'sigkill', 'event-stop', 'death'],
    rule:
      'The manual page promises no EVENT_EXIT for SIGKILL. Where there is one, the tracee may stand there until it is restarted, and another SIGKILL may ' +
      'change nothing: a tracer must let it go. The end is all that is sure.',
    since: '5.19',
    history: 'On Linux 6.18 it reports EVENT_EXIT with 9 as the message and stands there until it is restarted.',
    play(s) {
      // Lets it go wherever it stops on its way; what it stops for is the kernel's choice.
      const end = (e: Actor): void => {
        const last = s.unrecorded(() => {
          let status = e.wait();
          while (status?.kind === 'event') {
            e.cont();
            status = e.wait();
          }
          return status;
        });
        e.observe('how it ends', statusText(last));
      };
      const e = s.pauser('running');
      s.unrecorded(() => e.seize(options));
      e.kill('SIGKILL');
      end(e);
      const f = s.tracee('in a stop', (c) => c.exitGroup(0), { options });
      f.kill('SIGKILL');
      end(f);
      const g = s.tracee('KILL in a stop', (c) => c.exitGroup(0), { options });
      g.ptraceKill();
      end(g);
    },
    expect: `
      running: kill SIGKILL = 0
      running: how it ends = killed by SIGKILL
      in a stop: kill SIGKILL = 0
      in a stop: how it ends = killed by SIGKILL
      KILL in a stop: KILL = 0
      KILL in a stop: how it ends = killed by SIGKILL
    `,
  }),

  scenario({
    id: 'exit-event-on-sigkill-report',
    title: 'What a tracee with TRACEEXIT reports after SIGKILL, and whether a second SIGKILL ends its EVENT_EXIT',
    source: [page('BUGS'), page('Death under ptrace')],
    tags: ['exit', 'sigkill', 'event-stop', 'death'],
    rule: 'The manual page says that it may or may not report PTRACE_EVENT_EXIT, and that it is not known which is meant.',
    recorded: 'the manual page leaves it open',
    play(s) {
      const report = (e: Actor): void => {
        e.kill('SIGKILL');
        const first = e.wait();
        if (first?.kind !== 'event') return;
        e.eventMessage();
        e.kill('SIGKILL');
        e.poll();
      };
      const e = s.pauser('running');
      s.unrecorded(() => e.seize(options));
      report(e);
      report(s.tracee('in a stop', (c) => c.exitGroup(0), { options }));
    },
  }),
];
