/**
 * A child that a seized tracee forks, and that the kernel attaches by itself, stops with PTRACE_EVENT_STOP. Before, it got a SIGSTOP that the
 * tracer could not tell from a real one.
 */
import { PTRACE_O } from '../../kernel/options.js';
import { SIG } from '../../kernel/signals.js';
import { P_PID, W } from '../../kernel/wait-flags.js';
import { cont, getEventMessage, getSiginfo, kill, seize, setOptions, wait4 } from '../../raw/index.js';
import { program } from '../program.js';
import { assert, fork, printf, waitid } from '../stage.js';

/** Waits for a stop and prints it. */
function report(who: string, tid: number): void {
  const status = wait4(tid, W.__WALL)?.status ?? 0;
  const si = getSiginfo(tid).decoded;
  printf(`${who}: wait=${status.toString(16)} signo=${si.signal} code=${si.code.toString(16)}\n`);
}

export const autoAttach = program(import.meta.url, {
  group: 'jobctl',
  name: 'auto-attach',
  commit: 'd184d6eb1dc3',
  title: 'ptrace: dont send SIGSTOP on auto-attach if PT_SEIZED',
  source: 'described',
  duration: 0,
  expected: `\
child: wait=80137f signo=19 code=8013
child: wait=1057f signo=5 code=105
grandchild: wait=80057f signo=5 code=8005
`,

  main() {
    const child = fork((c) => {
      c.tgkillSelf('SIGSTOP');
      c.fork((grandchild) => grandchild.loop((g) => g.pause()));
      c.loop((d) => d.pause());
    });
    waitid(P_PID, child, W.WSTOPPED);

    seize(child);
    report('child', child);

    setOptions(child, PTRACE_O.TRACEFORK);
    cont(child);
    report('child', child);

    const grandchild = Number(getEventMessage(child));
    assert(grandchild > 0, 'the event says who the grandchild is');
    report('grandchild', grandchild);

    kill(grandchild, SIG.SIGKILL);
    kill(child, SIG.SIGKILL);
  },
});
