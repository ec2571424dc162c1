/** Signals of a tracee: what is forced, what is requeued, the mask of sigsuspend, PTRACE_KILL. */
import { encodeSiginfo } from '../../../kernel/siginfo.js';
import { PTRACE_O } from '../../../kernel/options.js';
import { SIG, signalSet } from '../../../kernel/signals.js';
import * as raw from '../../../raw/index.js';
import { commit, manual, scenario, type Scenario } from '../../scenario.js';

/** Races in kernel-signals. */
const ROUNDS = 12;

export const kernelSignals: readonly Scenario[] = [
  scenario({
    id: 'sigmask-and-sigsuspend',
    title: 'In sigsuspend GETSIGMASK has the mask that will be put back, and SETSIGMASK changes that one',
    source: [commit('fcfc2aa0185f', 'ptrace: take into account saved_sigmask in PTRACE_{GET,SET}SIGMASK')],
    tags: ['sigmask', 'sigsuspend'],
    rule:
      'sigsuspend(2), ppoll(2) and their like wait with another mask and keep the true one aside. A checkpointer that took the temporary mask restored ' +
      'its tracee with the wrong one for good. What SETSIGMASK writes is what the call, restarted, keeps aside again.',
    since: '5.1',
    play(s) {
      const e = s.tracee('E', (c) =>
        c
          .block('SIGUSR1')
          .sigsuspend('SIGUSR2')
          .loop((again) => again.pause()),
      );
      e.cont();
      e.untilAsleep();
      e.blocked();
      e.interrupt();
      e.wait();
      e.sigmask();
      e.observe(
        'SETSIGMASK',
        s.attempt(() => raw.setSigmask(e.tid, signalSet([SIG.SIGHUP]))),
      );
      e.sigmask();
      e.cont();
      e.untilAsleep();
      e.blocked();
      e.interrupt();
      e.wait();
      e.sigmask();
    },
    expect: `
      E: CONT = 0
      E: blocked = SIGUSR2
      E: INTERRUPT = 0
      E: wait = event STOP SIGTRAP
      E: sigmask = SIGUSR1
      E: SETSIGMASK = 0
      E: sigmask = SIGHUP
      E: CONT = 0
      E: blocked = SIGUSR2
      E: INTERRUPT = 0
      E: wait = event STOP SIGTRAP
      E: sigmask = SIGHUP
    `,
  }),

  scenario({
    id: 'forced-signal-still-reported',
    title:
      'A fault whose signal is blocked or ignored still makes a signal-delivery-stop, and the tracer may suppress it',
    source: [
      commit('e349d945fac7', "signal: Don't always set SA_IMMUTABLE for forced signals"),
      commit('00b06da29cf9', 'signal: Add SA_IMMUTABLE to ensure forced siganls do not get changed'),
    ],
    tags: ['signal-delivery-stop', 'fault'],
    rule:
      'For a fault the kernel forces the signal: it unblocks it and puts back the default action, and the tracee would die of it. A debugger must see ' +
      'it first, mend what is wrong and go on. During the development of 5.16 forced signals passed tracers by.',
    play(s) {
      const e = s.tracee('E', (c) => c.ignore('SIGILL').illegal().block('SIGILL').illegal().exitGroup(4));
      for (const _ of ['ignored', 'blocked']) {
        e.cont();
        e.wait();
        // Suppressed and not mended: the same instruction again.
        e.cont();
        e.wait();
        e.sigmask();
        e.changeRegisters((registers) => {
          registers.pc = e.child.nops;
        });
      }
      e.cont();
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGILL
      E: CONT = 0
      E: wait = stopped by SIGILL
      E: sigmask = none
      E: CONT = 0
      E: wait = stopped by SIGILL
      E: CONT = 0
      E: wait = stopped by SIGILL
      E: sigmask = none
      E: CONT = 0
      E: wait = exited 4
    `,
  }),

  scenario({
    id: 'requeue-blocked-injected',
    title:
      'A signal that the tracee blocks, injected at a signal-delivery-stop, is queued with its siginfo and reported when unblocked',
    source: [
      commit('b171f667f378', 'signal: Requeue ptrace signals'),
      manual('ptrace(2)', 'Signal injection and suppression'),
    ],
    tags: ['signal-delivery-stop', 'injection', 'sigmask'],
    rule:
      'At a signal-delivery-stop the tracer may put any signal in the place of the one reported. One that is blocked cannot be delivered now: it goes ' +
      'back to the queue, as siginfo says, and makes a stop of its own later. Without SETSIGINFO the kernel writes a siginfo that names the tracer as ' +
      "the sender; with it the tracer's own is kept.",
    play(s) {
      const e = s.tracee('E', (c) =>
        c
          .block('SIGUSR1', 'SIGURG')
          .tgkillSelf('SIGUSR2')
          .tgkillSelf('SIGUSR2')
          .unblock('SIGUSR1')
          .unblock('SIGURG')
          .exitGroup(0),
      );
      e.cont();
      e.wait();
      e.cont('SIGUSR1');
      e.wait();
      e.pending();
      e.observe(
        'SETSIGINFO',
        s.attempt(() => raw.setSiginfo(e.tid, encodeSiginfo({ signal: SIG.SIGURG, value: 5n, pid: e.tid }))),
      );
      e.cont('SIGURG');
      e.wait();
      e.siginfo();
      e.cont();
      e.wait();
      e.siginfo();
      e.cont();
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR2
      E: CONT SIGUSR1 = 0
      E: wait = stopped by SIGUSR2
      E: pending = SIGUSR1
      E: SETSIGINFO = 0
      E: CONT SIGURG = 0
      E: wait = stopped by SIGUSR1
      E: siginfo = SIGUSR1 SI_USER from R
      E: CONT = 0
      E: wait = stopped by SIGURG
      E: siginfo = SIGURG SI_QUEUE from E
      E: CONT = 0
      E: wait = exited 0
    `,
  }),

  scenario({
    id: 'sigkill-in-signal-stop-sets-up-no-handler',
    title:
      'SIGKILL in a signal-delivery-stop leads to PTRACE_EVENT_EXIT with the registers as they were, without a handler frame',
    source: [commit('b171f667f378', 'signal: Requeue ptrace signals')],
    tags: ['signal-delivery-stop', 'exit', 'sigkill'],
    rule:
      'The tracer has not said that the reported signal shall be delivered, so what it sees at the end must be the program as it last saw it. Before ' +
      '5.17 a SIGKILL that came while the signal was on its way could let the kernel set up the frame of a handler that never ran, and a recorder found ' +
      'registers at the end that no instruction had produced.',
    since: '5.17',
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .handle('SIGUSR1', (h) => h.store('ran', 1))
            .tgkillSelf('SIGUSR1')
            .exitGroup(0),
        {
          options: PTRACE_O.TRACEEXIT,
        },
      );
      e.cont();
      e.wait();
      const before = e.registers();
      e.kill('SIGKILL');
      e.wait();
      e.eventMessage();
      const after = e.registers();
      e.observe('program counter as before', after.pc === before.pc);
      e.observe('stack pointer as before', after.sp === before.sp);
      e.observe('the handler has run', e.word('ran') !== 0n);
      e.cont();
      e.wait();
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: kill SIGKILL = 0
      E: wait = event EXIT
      E: event message = 0x9
      E: program counter as before = true
      E: stack pointer as before = true
      E: the handler has run = false
      E: CONT = 0
      E: wait = killed by SIGKILL
    `,
  }),

  scenario({
    id: 'kill-request-always-kills',
    title: 'PTRACE_KILL kills at an event-stop and while the tracee listens',
    source: [
      commit('6a2d90ba027a', 'ptrace: Reimplement PTRACE_KILL by always sending SIGKILL'),
      manual('ptrace(2)', 'PTRACE_KILL'),
    ],
    tags: ['kill', 'event-stop', 'listen'],
    rule:
      'PTRACE_KILL sends SIGKILL. Before 5.19 it was CONT with SIGKILL as the signal, which does something only where a restart can inject one: at a ' +
      'PTRACE_EVENT stop the tracee simply ran on, and 0 was returned all the same.',
    since: '5.19',
    history: 'Up to 5.18: at an event-stop it was CONT without a signal; the tracee lived.',
    play(s) {
      const e = s.tracee('E', (c) => c.fork((k) => k.exitGroup(0)).exitGroup(5), { options: PTRACE_O.TRACEFORK });
      e.cont();
      e.wait();
      e.ptraceKill();
      e.wait();
      const l = s.pauser('L');
      l.seize();
      l.interrupt();
      l.wait();
      l.listen();
      l.ptraceKill();
      l.wait();
      l.ptraceKill();
    },
    expect: `
      E: CONT = 0
      E: wait = event FORK
      E: KILL = 0
      E: wait = killed by SIGKILL
      L: SEIZE = 0
      L: INTERRUPT = 0
      L: wait = event STOP SIGTRAP
      L: LISTEN = 0
      L: KILL = 0
      L: wait = killed by SIGKILL
      L: KILL = ESRCH
    `,
  }),

  scenario({
    id: 'sigkill-vs-request-race',
    title: 'A request that a SIGKILL races with sees the tracee as it stood, or fails with ESRCH: nothing in between',
    source: [
      commit('9899d11f6544', 'ptrace: ensure arch_ptrace/ptrace_request can never race with SIGKILL'),
      manual('ptrace(2)', 'Death under ptrace'),
    ],
    tags: ['sigkill', 'race', 'registers'],
    rule:
      'While a request is at work its tracee is frozen: a SIGKILL waits for the end of the request. So a tracer reads registers that belong together, and ' +
      'once a request has failed with ESRCH no later one succeeds. Before 3.9 a dying tracee could use its kernel stack while registers were being written ' +
      'to it.',
    needs: ['cap-sys-ptrace'],
    play(s) {
      const results = new Set<string>();
      const deaths = new Set<string>();
      const killer = s.child('K', (c) =>
        c.loop((again) =>
          again
            .label('idle')
            .syscall('sched_yield')
            .jumpIf(again.word('target'), '==', 0, 'idle')
            .kill(again.word('target'), 'SIGKILL')
            .store('target', 0),
        ),
      );
      for (let round = 0; round < ROUNDS; round++) {
        const e = s.tracee('E', (c) => c.loop((again) => again.pause()));
        const before = Buffer.from(e.registers().bytes);
        killer.setWord('target', BigInt(e.tid));
        let failed = 0;
        // ESRCH also while it dies; then once more, to see that it stays.
        s.until('a request fails', () => {
          const result = s.attempt(() => {
            const same = before.equals(e.registers().bytes);
            results.add(`${failed === 0 ? '' : 'after ESRCH: '}${same ? 'as before' : 'changed'}`);
          });
          if (result === '0') return false;
          results.add(result);
          return ++failed === 3;
        });
        const status = s.unrecorded(() => e.wait());
        deaths.add(status?.kind === 'killed' ? 'by SIGKILL' : 'otherwise');
        killer.untilWord('target', 0n);
      }
      s.observe('R: requests', [...results].sort().join(', '));
      s.observe('E: died', [...deaths].join(', '));
    },
    // With one CPU the killer may come before the first request.
    expect: `
      R: requests = ESRCH, as before | ESRCH
      E: died = by SIGKILL
    `,
  }),
];
