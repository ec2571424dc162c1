/** Beginning and end of tracing: attach again, attach to init, the end of the tracer. */
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE } from '../../../kernel/requests.js';
import { SIG } from '../../../kernel/signals.js';
import { W } from '../../../kernel/wait-flags.js';
import { CLONE } from '../../../raw/child.js';
import { statusText } from '../../describe.js';
import { storedStatus } from '../../parts/script-waits.js';
import { anyonesPauser } from '../../parts/sleepers.js';
import { commit, manual, scenario, suite, type Scenario } from '../../scenario.js';

const ROUNDS = 25;

export const kernelTracer: readonly Scenario[] = [
  scenario({
    id: 'detach-attach-no-stray-syscall-trap',
    title: 'After SYSCALL and DETACH a new ATTACH reports SIGSTOP first: no trap is left of the tracing before',
    source: [
      commit('7d94143291e6', 'Fix spurious syscall tracing after PTRACE_DETACH + PTRACE_ATTACH'),
      suite('ptrace-tests', 'tif-syscall-trace-after-detach'),
    ],
    also: ['tif-syscall-trace-after-detach'],
    tags: ['attach', 'detach', 'syscall-stop'],
    rule:
      'SYSCALL marks the tracee to stop at its next call. DETACH must take the mark away: before 2.6.23 it stayed, and the tracee trapped under the next ' +
      'tracer, which had not asked for it and took the SIGTRAP for its own.',
    play(s) {
      const e = s.child('E', (c) => c.getppidLoop());
      const first = new Set<string>();
      s.unrecorded(() => {
        for (let round = 0; round < ROUNDS; round++) {
          e.mustSucceed(e.attach(), 'ATTACH');
          const status = e.wait();
          first.add(statusText(status));
          for (let stop = 0; stop < 2; stop++) {
            e.mustSucceed(e.syscall(), 'SYSCALL');
            e.wait();
          }
          e.mustSucceed(e.detach(), 'DETACH');
        }
      });
      s.observe('E: first reports', [...first].join(', '));
    },
    expect: `
      E: first reports = stopped by SIGSTOP
    `,
  }),

  scenario({
    id: 'init-traceable',
    title: 'The init of a pid namespace can be attached, from inside and from outside, and its SIGSTOP is reported',
    source: [commit('00cd5c37afd', 'ptrace: permit ptracing of /sbin/init'), suite('ltp', 'ptrace11')],
    tags: ['attach', 'namespaces', 'init'],
    rule:
      'Signals that nobody handles do not reach an init; a traced one gets them all, so ATTACH stops it as any other. Up to 2.6.25 the first process could ' +
      'not be traced at all.',
    needs: ['pid-namespaces'],
    play(s) {
      const p = s.child('P', (c) =>
        c
          .clone(CLONE.NEWPID | CLONE.VM | SIG.SIGCHLD, (init) =>
            init
              .clone(CLONE.VM | SIG.SIGCHLD, (inside) =>
                inside
                  .syscall('ptrace', PTRACE.ATTACH, 1, 0, 0)
                  .store('attach')
                  .wait4(1, W.__WALL)
                  .store('waited')
                  .store('status', inside.status)
                  .syscall('ptrace', PTRACE.DETACH, 1, 0, 0)
                  .store('detach')
                  .store('done', 1),
              )
              .loop((again) => again.pause()),
          )
          .store('init')
          .loop((again) => again.pause()),
      );
      p.untilSet('done');
      p.result('attach', 'ATTACH of 1 inside');
      p.result('waited', 'wait for 1 inside');
      p.observe('status', storedStatus(p, 'status'));
      p.result('detach', 'DETACH of 1 inside');
      const init = s.adopt('I', Number(p.untilSet('init')));
      init.attach();
      init.wait();
      init.detach();
      init.rest();
      init.state();
    },
    expect: `
      P: ATTACH of 1 inside = 0
      P: wait for 1 inside = 1
      P: status = stopped by SIGSTOP
      P: DETACH of 1 inside = 0
      I: ATTACH = 0
      I: wait = stopped by SIGSTOP
      I: DETACH = 0
      I: state = S (sleeping)
    `,
  }),

  scenario({
    id: 'exitkill',
    title: 'With PTRACE_O_EXITKILL the end of the tracer kills the tracee; without it the tracee is let go',
    source: [commit('992fb6e17063', 'ptrace: introduce PTRACE_O_EXITKILL'), manual('ptrace(2)', 'PTRACE_O_EXITKILL')],
    tags: ['options', 'tracer-exit', 'sigkill'],
    rule:
      'A sandbox must not lose its inmates when it crashes: the option has SIGKILL sent to the tracee when its tracer goes away, however that comes ' +
      'about, running or stopped. It is an option of each tracee; DETACH takes it away.',
    since: '3.8',
    play(s) {
      const running = anyonesPauser(s, 'E');
      const stopped = anyonesPauser(s, 'F');
      const spared = anyonesPauser(s, 'G');
      const x = s.child('X', (c) =>
        c
          .syscall('ptrace', PTRACE.SEIZE, running.tid, 0, PTRACE_O.EXITKILL)
          .store('seize E')
          .syscall('ptrace', PTRACE.SEIZE, stopped.tid, 0, PTRACE_O.EXITKILL)
          .store('seize F')
          .syscall('ptrace', PTRACE.INTERRUPT, stopped.tid, 0, 0)
          .wait4(stopped.tid, W.__WALL)
          .syscall('ptrace', PTRACE.SEIZE, spared.tid, 0, 0)
          .store('seize G')
          .store('ready', 1)
          .waitUntil('gate', '!=', 0)
          .exitGroup(0),
      );
      x.untilSet('ready');
      x.result('seize E', 'SEIZE of E with EXITKILL');
      x.result('seize F', 'SEIZE of F with EXITKILL');
      x.result('seize G', 'SEIZE of G');
      x.setWord('gate', 1n);
      x.wait();
      running.wait();
      stopped.wait();
      spared.poll();
      spared.tracer();
      spared.state();
    },
    expect: `
      X: SEIZE of E with EXITKILL = 0
      X: SEIZE of F with EXITKILL = 0
      X: SEIZE of G = 0
      X: wait = exited 0
      E: wait = killed by SIGKILL
      F: wait = killed by SIGKILL
      G: poll = nothing
      G: tracer = nobody
      G: state = S (sleeping)
    `,
  }),
];
