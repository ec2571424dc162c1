/** System calls that a signal interrupts whose delivery the tracer suppresses. */
import { PTRACE_O } from '../../../kernel/options.js';
import type { Part } from '../../../raw/child.js';
import { toEntry } from '../../parts/system-calls.js';
import { manual, scenario, suite, type Scenario } from '../../scenario.js';
import { page } from './tools.js';

const calls: readonly (readonly [call: string, part: Part])[] = [
  ['read', (c) => c.pipe('pipe').syscall('read', c.pipeEnd('pipe', 'read'), c.address('byte'), 1)],
  ['rt_sigsuspend', (c) => c.sigsuspend()],
  ['nanosleep', (c) => c.nanosleep(600_000)],
];

const POLLING = 1;
const IN_MODIFY = 2;

export const restarts: readonly Scenario[] = [
  scenario({
    id: 'syscall-interrupted-and-restarted',
    title: 'A system call that a suppressed signal has interrupted is restarted, and its restart is another entry',
    source: [page('Syscall-stops'), suite('selftests', 'ptrace_syscall.c')],
    tags: ['syscall-stop', 'signals', 'restart', 'suppression'],
    rule:
      'The signal that pends ends the call, whatever its tracer will do with it: the exit-stop has one of the codes that user mode never sees (512 to 516), ' +
      'and it decides what comes after the signal-delivery-stop. Without a handler all of them are restarted, after nanosleep(2) as ' +
      'restart_syscall(2): the tracer sees a second entry.',
    since: '5.3',
    play(s) {
      for (const [call, part] of calls) {
        const e = s.tracee(call, part, { by: 'traceme', options: PTRACE_O.TRACESYSGOOD });
        toEntry(e, call);
        e.syscall();
        e.untilAsleep();
        s.unrecorded(() => e.kill('SIGUSR1'));
        e.wait();
        e.syscallInfo();
        e.syscall();
        e.wait();
        e.syscall();
        e.wait();
        e.syscallInfo();
      }
    },
    expect: `
      read: SYSCALL = 0
      read: wait = syscall-stop
      read: syscall info = exit ERESTARTSYS
      read: SYSCALL = 0
      read: wait = stopped by SIGUSR1
      read: SYSCALL = 0
      read: wait = syscall-stop
      read: syscall info = entry read
      rt_sigsuspend: SYSCALL = 0
      rt_sigsuspend: wait = syscall-stop
      rt_sigsuspend: syscall info = exit ERESTARTNOHAND
      rt_sigsuspend: SYSCALL = 0
      rt_sigsuspend: wait = stopped by SIGUSR1
      rt_sigsuspend: SYSCALL = 0
      rt_sigsuspend: wait = syscall-stop
      rt_sigsuspend: syscall info = entry rt_sigsuspend
      nanosleep: SYSCALL = 0
      nanosleep: wait = syscall-stop
      nanosleep: syscall info = exit ERESTART_RESTARTBLOCK
      nanosleep: SYSCALL = 0
      nanosleep: wait = stopped by SIGUSR1
      nanosleep: SYSCALL = 0
      nanosleep: wait = syscall-stop
      nanosleep: syscall info = entry restart_syscall
    `,
  }),

  scenario({
    id: 'eintr-bug',
    title: 'A call that is never restarted gives EINTR although its tracee got no signal',
    source: [page('BUGS'), manual('signal(7)', 'Interruption of system calls and library functions by stop signals')],
    tags: ['signals', 'restart', 'suppression', 'interrupt'],
    rule:
      'epoll_pwait(2) is not restarted, so a tracee sees that it is traced: a suppressed signal and an INTERRUPT both end it with EINTR. read(2) of an ' +
      'inotify descriptor did the same until Linux 3.8, and is restarted since.',
    since: '3.8',
    play(s) {
      const polling = (name: string) =>
        s.child(name, (c) => {
          c.syscall('epoll_create1', 0).store('epoll');
          c.syscall('epoll_pwait', c.word('epoll'), c.address('events'), POLLING, -1, 0, 8).store('epoll_pwait');
          c.store('done', 1);
          c.loop((again) => again.pause());
        });
      const a = polling('suppressed signal');
      a.untilAsleep();
      s.unrecorded(() => a.seize());
      a.kill('SIGUSR1');
      a.wait();
      a.cont();
      a.untilSet('done');
      a.result('epoll_pwait');
      const b = polling('INTERRUPT');
      b.untilAsleep();
      s.unrecorded(() => b.seize());
      b.interrupt();
      b.wait();
      b.cont();
      b.untilSet('done');
      b.result('epoll_pwait');
      const e = s.child('inotify', (c) => {
        c.syscall('inotify_init1', 0).store('inotify');
        c.syscall('inotify_add_watch', c.word('inotify'), '/', IN_MODIFY);
        c.syscall('read', c.word('inotify'), c.address('events'), 64).store('read');
      });
      e.untilAsleep();
      s.unrecorded(() => e.seize());
      e.kill('SIGUSR1');
      e.wait();
      e.cont();
      e.untilAsleep();
      e.observe('reads again', e.word('read') === 0n);
    },
    expect: `
      suppressed signal: kill SIGUSR1 = 0
      suppressed signal: wait = stopped by SIGUSR1
      suppressed signal: CONT = 0
      suppressed signal: epoll_pwait = EINTR
      INTERRUPT: INTERRUPT = 0
      INTERRUPT: wait = event STOP SIGTRAP
      INTERRUPT: CONT = 0
      INTERRUPT: epoll_pwait = EINTR
      inotify: kill SIGUSR1 = 0
      inotify: wait = stopped by SIGUSR1
      inotify: CONT = 0
      inotify: reads again = true
    `,
  }),
];
