/** What others see of tracing: /proc, execve of set-uid files, the real parent. */
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE } from '../../../kernel/requests.js';
import { W } from '../../../kernel/wait-flags.js';
import { procStatus } from '../../../proc.js';
import type { ChildScript, Part } from '../../../raw/child.js';
import type { Actor } from '../../actor.js';
import { become, NOBODY } from '../../parts/credentials.js';
import { hollowProgram } from '../../parts/programs.js';
import { RealParent } from '../../parts/real-parent.js';
import { manual, scenario, type Scenario } from '../../scenario.js';
import { utracePtrace } from './origins.js';

const SET_UID = 0o4755;

/** Whether set-uid means anything to the file system of a path. */
function isNosuid(path: string): boolean {
  let best = '';
  let nosuid = false;
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [, , , , mountPoint = '', options = ''] = line.split(' ');
    const inside = mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`);
    if (!inside || mountPoint.length < best.length) continue;
    best = mountPoint;
    nosuid = options.split(',').includes('nosuid');
  }
  return nosuid;
}

/** Whether every user can get to a path. */
function isReachable(path: string): boolean {
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    if ((statSync(directory).mode & 1) === 0) return false;
    if (directory === dirname(directory)) return true;
  }
}

/** Gives up all rights, for good. */
function becomeNobody(c: ChildScript): ChildScript {
  become(c.syscall('setgroups', 0, 0), {});
  return c;
}

/** `root`, or `as before`. */
function effectiveUser(e: Actor, what: string): void {
  const uid = procStatus(e.tid)?.uids[1];
  e.observe(what, uid === 0 ? 'root' : uid === NOBODY ? 'as before' : String(uid));
}

export const visibility: readonly Scenario[] = [
  scenario({
    id: 'tracer-pid-visible',
    title: 'TracerPid of /proc names the tracing thread, for each thread of its own, and is 0 after DETACH',
    source: [utracePtrace, manual('proc(5)', '/proc/pid/status')],
    tags: ['proc', 'attach', 'detach', 'threads'],
    rule:
      'A tracee belongs to one thread, and that is what anybody can read: who debugs a process, and whether a debugger is at it at all. Threads that were ' +
      'not attached have no tracer.',
    since: '3.4',
    play(s) {
      const e = s.child('E', (c) =>
        c
          .setPtracerAny()
          .thread((t) => t.loop((again) => again.pause()))
          .store('thread')
          .loop((again) => again.pause()),
      );
      const t = s.adopt('T', Number(e.untilSet('thread')));
      e.untilAsleep();
      e.tracer();
      e.seize();
      e.tracer();
      t.tracer();
      e.interrupt();
      e.wait();
      e.tracer();
      e.detach();
      e.tracer();
      const x = s.child('X', (c) =>
        c
          .thread((thread) =>
            thread
              .syscall('ptrace', PTRACE.SEIZE, t.tid, 0, 0)
              .store('seize')
              .store('done', 1)
              .loop((again) => again.pause()),
          )
          .store('tracing thread')
          .loop((again) => again.pause()),
      );
      x.untilSet('done');
      s.adopt('the thread of X', Number(x.untilSet('tracing thread')));
      x.result('seize', 'SEIZE of T by a thread');
      t.tracer();
      e.tracer();
    },
    expect: `
      E: tracer = nobody
      E: SEIZE = 0
      E: tracer = R
      T: tracer = nobody
      E: INTERRUPT = 0
      E: wait = event STOP SIGTRAP
      E: tracer = R
      E: DETACH = 0
      E: tracer = nobody
      X: SEIZE of T by a thread = 0
      T: tracer = the thread of X
      E: tracer = nobody
    `,
  }),

  scenario({
    id: 'unsafe-exec-under-ptrace',
    title: 'A traced task gains the rights of a set-uid file only if its tracer has CAP_SYS_PTRACE',
    source: [utracePtrace, manual('execve(2)', 'Effect on set-user-ID'), manual('ptrace(2)', 'execve(2) under ptrace')],
    tags: ['exec', 'credentials', 'set-uid'],
    rule:
      'Whoever traces a program controls it, so a user could take over any set-uid program by tracing it through its execve. The program runs then, but ' +
      'without the rights of the file, unless the tracer could have had them by itself.',
    needs: ['root', 'cap-sys-ptrace', 'unprivileged-tracers'],
    play(s) {
      const program = hollowProgram(s, SET_UID);
      if (isNosuid(program)) s.skip('the directory for temporary files is on a file system without set-uid');
      if (!isReachable(program)) s.skip('the directory for temporary files is not open to other users');
      const e = s.tracee('E', (c) => becomeNobody(c).exec(program).exitGroup(99), { options: PTRACE_O.TRACEEXEC });
      e.cont();
      e.wait();
      effectiveUser(e, 'effective user, traced by root');

      // Both are nobody's. The parent stands in for a debugger that the user has started.
      const x = s.child('X', (c) =>
        becomeNobody(c)
          .fork((k) => k.traceme().exec(program).exitGroup(99))
          .store('child')
          .wait4(c.word('child'), W.__WALL)
          .store('status', c.status)
          .store('stopped', 1)
          .loop((again) => again.pause()),
      );
      x.untilSet('stopped');
      const f = s.adopt('F', Number(x.word('child')));
      f.state();
      effectiveUser(f, 'effective user, traced by its own user');
    },
    expect: `
      E: CONT = 0
      E: wait = event EXEC
      E: effective user, traced by root = root
      F: state = t (tracing stop)
      F: effective user, traced by its own user = as before
    `,
  }),

  scenario({
    id: 'exit-reported-to-tracer-first',
    title: 'The end of a tracee is reported to its tracer first, and to its parent only when the tracer has taken it',
    source: [utracePtrace, manual('ptrace(2)', 'Death under ptrace')],
    tags: ['wait', 'exit', 'real-parent'],
    rule:
      "Waits of tracer and parent are kept apart: a zombie that is traced is the tracer's. When the tracer has consumed it the tracing is over, and the " +
      'parent gets its SIGCHLD and the status, late but unchanged. A tracer that does not wait keeps every parent from reaping.',
    since: '3.4',
    play(s) {
      const part: Part = (c) => c.handle('SIGUSR1', (h) => h.exitGroup(3)).loop((again) => again.pause());
      const p = new RealParent(s, part, 'P');
      const e = p.child;
      e.untilAsleep();
      e.seize();
      e.kill('SIGUSR1');
      e.wait();
      p.poll(undefined, 'poll for E');
      e.cont('SIGUSR1');
      e.untilState('Z');
      p.poll(undefined, 'poll for E');
      e.tracer();
      e.wait();
      e.tracer();
      p.poll(undefined, 'poll for E');
      p.poll(undefined, 'poll for E');
    },
    expect: `
      E: SEIZE = 0
      E: kill SIGUSR1 = 0
      E: wait = stopped by SIGUSR1
      P: poll for E = nothing
      E: CONT SIGUSR1 = 0
      P: poll for E = nothing
      E: tracer = R
      E: wait = exited 3
      E: tracer = nobody
      P: poll for E = exited 3
      P: poll for E = ECHILD
    `,
  }),
];
