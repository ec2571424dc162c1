/**
 * A real parent gets one SIGCHLD for one stop, though a tracer resumed and stopped the process meanwhile. Before, there was another
 * `mommy : SIG status=00 code=05 (tracee)` after "detaching".
 *
 * Node has no handler that gets a siginfo, so mother and tracer are scripts, too.
 */
import { PTRACE } from '../../kernel/requests.js';
import { P_PID, W } from '../../kernel/wait-flags.js';
import { type ChildScript, type Part, SA } from '../../raw/child.js';
import { program } from '../program.js';
import { fork, nanosleep, say, ts1s } from '../stage.js';

/** Offsets in siginfo_t. */
const SI_CODE = 8;
const SI_PID = 16;
const SI_STATUS = 24;

const PID = 1;
const CODE = 2;
const STATUS = 3;

/** Puts a field of the siginfo at an address into a register. */
function field(s: ChildScript, siginfo: Parameters<ChildScript['compute']>[0], offset: number, register: number): void {
  s.compute(siginfo, 'add', offset).loadAt(s.register(0), 4).set(s.register(0), register);
}

/** `who: SIG status=%02d code=%02d (whose)`. The handler finds the address of its siginfo in register 1. */
function sigchldSigaction(who: string): Part {
  return (s) => {
    const siginfo = s.register(PID);
    field(s, siginfo, SI_STATUS, STATUS);
    field(s, siginfo, SI_CODE, CODE);
    field(s, siginfo, SI_PID, PID);
    for (const whose of ['tracee', 'tracer']) {
      s.when(s.register(PID), '==', s.word(whose), (t) =>
        say(t, `${who}: SIG status=%02d code=%02d (${whose})\n`, t.register(STATUS), t.register(CODE)),
      );
    }
  };
}

function waitid(s: ChildScript): void {
  s.syscall('waitid', P_PID, s.word('tracee'), s.address('si'), W.WSTOPPED, 0);
}

function cont(s: ChildScript): void {
  s.compute(s.address('si'), 'add', SI_STATUS).loadAt(s.register(0), 4);
  s.syscall('ptrace', PTRACE.CONT, s.word('tracee'), 0, s.register(0));
}

/** main() of the original. */
function mommy(s: ChildScript): void {
  const sigaction = { flags: SA.SIGINFO | SA.RESTART };
  s.buffer('si', 128);
  s.handle('SIGCHLD', sigchldSigaction('mommy '), sigaction);

  s.fork((tracee) =>
    tracee
      .dieWithParent()
      .setPtracerAny()
      .loop((t) => t.pause()),
  ).store('tracee');

  s.kill(s.word('tracee'), 'SIGSTOP');
  waitid(s);

  // The tracer may be done before its fork has returned here: the handler shall know by then who it is.
  s.block('SIGCHLD');
  s.fork((tracer) => {
    tracer.dieWithParent().handle('SIGCHLD', sigchldSigaction('tracer'), sigaction).unblock('SIGCHLD');
    tracer.syscall('ptrace', PTRACE.ATTACH, tracer.word('tracee'), 0, 0);
    waitid(tracer);
    cont(tracer);
    waitid(tracer);
    cont(tracer);
    waitid(tracer);
    say(tracer, 'tracer: detaching\n');
    tracer.syscall('ptrace', PTRACE.DETACH, tracer.word('tracee'), 0, 0);
  })
    .store('tracer')
    .unblock('SIGCHLD');

  s.loop((t) => t.pause());
}

export const duplicateSigchld = program(import.meta.url, {
  group: 'jobctl',
  name: 'duplicate-sigchld',
  commit: '244056f9dbbc',
  title: "job control: Don't send duplicate job control stop notification while ptraced",
  source: 'shown',
  duration: 1000,
  expected: `\
mommy : SIG status=19 code=05 (tracee)
tracer: SIG status=00 code=05 (tracee)
tracer: SIG status=19 code=04 (tracee)
tracer: SIG status=00 code=05 (tracee)
tracer: detaching
mommy : SIG status=00 code=01 (tracer)
`,

  main() {
    fork(mommy);
    nanosleep(ts1s); // The original goes on until ^C.
  },
});
