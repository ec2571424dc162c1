/** Zombies whose tracer ends, and what /proc still shows of a tracee at its exit event. */
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE } from '../../../kernel/requests.js';
import { SIG } from '../../../kernel/signals.js';
import { W } from '../../../kernel/wait-flags.js';
import { procState } from '../../../proc.js';
import { type ChildScript, result } from '../../../raw/child.js';
import type { Actor } from '../../actor.js';
import { resultText } from '../../describe.js';
import { unprivileged } from '../../parts/credentials.js';
import { storedStatus } from '../../parts/script-waits.js';
import { manual, scenario, suite, type Scenario } from '../../scenario.js';
import { noCore } from './no-core.js';

const death = manual('ptrace(2)', 'Death under ptrace');

/** The end of a tracer's main thread, while its process lives on with another one. */
function leaderEnds(c: ChildScript): ChildScript {
  return c
    .thread((t) => t.loop((again) => again.pause()))
    .waitUntil('go', '!=', 0)
    .exit(0);
}

/** Waits until a task is gone, of which nobody is left to reap it. */
function untilGone(actor: Actor): void {
  actor.stage.until(`${actor.name} is gone`, () => ['X', undefined].includes(procState(actor.tid)));
  actor.observe('gone', true);
}

/** At the exit event of a process that a signal kills, its tracer reads a file of its in /proc, with no more rights than the process itself. */
function readsAtExit(id: string, file: string, what: string): Scenario {
  return scenario({
    id,
    title: `At the exit event of a process that SIGABRT kills, a tracer of the same user reads ${what} of it in /proc`,
    source: [suite('ptrace-tests', id), manual('ptrace(2)', 'PTRACE_EVENT_EXIT')],
    tags: ['exit-event', 'proc', 'credentials'],
    needs: ['unprivileged-tracers'],
    rule:
      'PTRACE_EVENT_EXIT is there to look at a process once more before its memory and files are gone. It comes before the memory is given up, so whoever ' +
      'may read it in /proc still may. Kernels of 2.6 that checked it by the memory of a process that was already exiting refused all but root.',
    play(s) {
      const t = s.child('T', (c) => {
        noCore(c).buffer('path', 32).buffer('content', 4096);
        unprivileged(c);
        c.fork((e) => e.traceme().tgkillSelf('SIGSTOP').killSelf('SIGABRT').exitGroup(1))
          .store('E')
          .wait4(c.word('E'))
          .syscall('ptrace', PTRACE.SETOPTIONS, c.word('E'), 0, PTRACE_O.TRACEEXIT)
          .syscall('ptrace', PTRACE.CONT, c.word('E'), 0, 0)
          .wait4(c.word('E'))
          .syscall('ptrace', PTRACE.CONT, c.word('E'), 0, SIG.SIGABRT)
          .wait4(c.word('E'))
          .store('stop', c.status)
          .store('at exit', 1)
          .waitUntil('go', '!=', 0)
          .syscall('openat', -100, c.address('path'), 0, 0)
          .store('open')
          .syscall('read', c.word('open'), c.address('content'), 4096)
          .store('read')
          .syscall('ptrace', PTRACE.CONT, c.word('E'), 0, 0)
          .wait4(c.word('E'))
          .store('end', c.status)
          .store('over', 1)
          .loop((again) => again.pause());
      });
      t.untilSet('at exit');
      t.observe('wait for E', storedStatus(t, 'stop'));
      t.setBytes('path', Buffer.from(`/proc/${t.word('E')}/${file}\0`));
      t.setWord('go', 1n);
      t.untilSet('over');
      const [opened, read] = [t.word('open'), t.word('read')];
      t.observe(`open /proc/E/${file}`, opened < 0n ? resultText(opened) : 'a descriptor');
      t.observe('read', read > 0n ? 'something' : resultText(read));
      t.observe('wait for E', storedStatus(t, 'end'));
    },
    expect: `
      T: wait for E = event EXIT
      T: open /proc/E/${file} = a descriptor
      T: read = something
      T: wait for E = killed by SIGABRT
    `,
  });
}

export const end: readonly Scenario[] = [
  scenario({
    id: 'reparent-zombie',
    title: 'A zombie that only its tracer keeps is gone when the tracing thread ends, if its parent ignores SIGCHLD',
    source: [suite('ptrace-tests', 'reparent-zombie'), death],
    tags: ['tracer-exit', 'zombie', 'sigchld'],
    rule:
      'A tracee that ends is a zombie until its tracer has waited, also where the parent ignores SIGCHLD. When the tracer ends it is detached, and then the ' +
      'rule of the parent holds again: nobody will wait for it, so the kernel has to take it away there and then. It was forgotten while another thread of that ' +
      'process lived on.',
    play(s) {
      const tr = s.child('T', (c) =>
        leaderEnds(
          c
            .ignore('SIGCHLD')
            .fork((e) => e.traceme().exitGroup(0))
            .store('E'),
        ),
      );
      const e = s.adopt('E', Number(tr.untilSet('E')));
      e.untilState('Z');
      e.tracer();
      tr.setWord('go', 1n);
      tr.untilState('Z');
      untilGone(e);
      tr.state();
    },
    expect: `
      E: tracer = T
      E: gone = true
      T: state = Z (zombie)
    `,
  }),

  scenario({
    id: 'reparent-zombie-clone',
    title: 'A thread that is a zombie for its tracer is gone when the tracing thread ends',
    source: [suite('ptrace-tests', 'reparent-zombie-clone'), death],
    tags: ['tracer-exit', 'zombie', 'threads'],
    rule:
      'A thread that is not a leader has no parent that waits for it: it is a zombie only while it is traced. The end of the tracer must release it, or its ' +
      'process could never be reaped.',
    play(s) {
      const tr = s.child('T', (c) =>
        leaderEnds(
          c
            .ignore('SIGCHLD')
            .fork((e) =>
              e
                .traceme()
                .tgkillSelf('SIGUSR1')
                .thread((k) => k.exit(0))
                .loop((again) => again.pause()),
            )
            .store('E')
            .wait4(c.word('E'))
            .syscall('ptrace', PTRACE.SETOPTIONS, c.word('E'), 0, PTRACE_O.TRACECLONE)
            .syscall('ptrace', PTRACE.CONT, c.word('E'), 0, 0)
            .wait4(c.word('E'))
            .syscall('ptrace', PTRACE.GETEVENTMSG, c.word('E'), 0, c.address('K'))
            .wait4(c.word('K'), W.__WALL)
            .syscall('ptrace', PTRACE.CONT, c.word('K'), 0, 0)
            .syscall('ptrace', PTRACE.CONT, c.word('E'), 0, 0)
            .store('traced', result)
            .store('ready', 1),
        ),
      );
      tr.untilSet('ready');
      const e = s.adopt('E', Number(tr.word('E')));
      const k = s.adopt('K', Number(tr.word('K')));
      k.untilState('Z');
      k.tracer();
      tr.setWord('go', 1n);
      tr.untilState('Z');
      untilGone(k);
      e.rest();
      e.tracer();
      e.state();
    },
    expect: `
      K: tracer = T
      K: gone = true
      E: tracer = nobody
      E: state = S (sleeping)
    `,
  }),

  readsAtExit('event-exit-proc-maps', 'maps', 'the mappings'),
  readsAtExit('event-exit-proc-environ', 'environ', 'the environment'),
];
