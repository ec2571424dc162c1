/** Processes that take part beside tracer and tracee, and what their scripts tell: real parents, tracers that may end, pairs of threads. */
import type { Actor } from '../../actor.js';
import { NO_REPORT, resultText, statusText } from '../../describe.js';
import { OutOfTime, type Stage } from '../../stage.js';
import { SIG, signalSet } from '../../../kernel/signals.js';
import { CLD, W } from '../../../kernel/wait-flags.js';
import { decodeWaitStatus } from '../../../kernel/wait-status.js';
import { procState, procSyscall } from '../../../proc.js';
import { type ChildScript, type Part, result, type Value } from '../../../raw/child.js';

/** An outcome of wait4(2) as one word that is never 0: a status with this bit, {@link NOTHING}, or a negative errno. */
const FOUND = 1n << 40n;
const NOTHING = 1n << 41n;

/** Fields of siginfo_t. */
const SI_CODE = 8n;
const SI_PID = 16n;
const SI_STATUS = 24n;

const SIGCHLD_SET = new Uint8Array(new BigUint64Array([signalSet([SIG.SIGCHLD])]).buffer);
const NO_TIME = new Uint8Array(16);

const CLD_NAMES = new Map<number, string>(Object.entries(CLD).map(([name, code]) => [code, `CLD_${name}`]));

/** In a script: wait4(2), its outcome in a word. */
export function waitInto(c: ChildScript, word: string, pid: Value, flags: Value = W.__WALL): void {
  c.wait4(pid, flags).set(result, 1);
  c.when(result, '==', 0, (n) => n.set(NOTHING, 1));
  c.when(result, '>', 0, (n) => n.compute(n.status, 'or', FOUND, 1));
  c.store(word, c.register(1));
}

/** What {@link waitInto} has found, as `wait` lines have it. */
function waitText(word: bigint): string {
  if (word === NOTHING) return statusText(undefined);
  return word < 0n ? resultText(word) : statusText(decodeWaitStatus(Number(word & ~FOUND)));
}

/** In a script: a ptrace request, its result in a word. */
export function askInto(c: ChildScript, word: string, request: number, tid: Value, data: Value = 0): void {
  c.syscall('ptrace', request, tid, 0, data).store(word);
}

/** Writes down what words of a script hold: of waits those that begin with `wait`, of other calls the rest. */
export function tell(actor: Actor, ...words: readonly string[]): void {
  for (const word of words) {
    const value = actor.word(word);
    actor.observe(word, word.startsWith('wait') ? waitText(value) : resultText(value));
  }
}

/** In a script that blocks SIGCHLD: takes it, or without `block` only looks for it. Its siginfo is in a buffer of the word's name. */
function sigchldInto(c: ChildScript, word: string, block: boolean): void {
  c.syscall('rt_sigtimedwait', SIGCHLD_SET, c.address(`${word} siginfo`), block ? 0 : NO_TIME, 8).store(word);
}

/** What {@link sigchldInto} has taken: `CLD_STOPPED 0x13 from E`, or `none`. */
function sigchldText(actor: Actor, word: string): string {
  const got = actor.word(word);
  if (got < 0n) return resultText(got) === 'EAGAIN' ? 'none' : resultText(got);
  const at = actor.address(`${word} siginfo`);
  const field = (offset: bigint): number => Number(BigInt.asIntN(32, actor.wordAt(at + offset)));
  const code = field(SI_CODE);
  return `${CLD_NAMES.get(code) ?? code} 0x${field(SI_STATUS).toString(16)} from ${actor.stage.nameOf(field(SI_PID))}`;
}

/** Observes the SIGCHLD that a script has taken by {@link takeSigchld}. */
export function tellSigchld(actor: Actor, ...words: readonly string[]): void {
  for (const word of words) actor.observe(word, sigchldText(actor, word));
}

/** In a script: blocks SIGCHLD from here on, and has room for those that it takes by the names given. */
export function blockSigchld(c: ChildScript, ...words: readonly string[]): void {
  for (const word of words) c.buffer(`${word} siginfo`, 128);
  c.block('SIGCHLD');
}

/** In a script behind {@link blockSigchld}: waits for SIGCHLD, and keeps what it says. */
export function takeSigchld(c: ChildScript, word: string): void {
  sigchldInto(c, word, true);
}

/**
 * The real parent of a tracee, RP: another process than the tracer. It does what it is told: waits for its child, takes its SIGCHLD.
 *
 * The child plays its part at once, with no signals blocked.
 */
export class RealParent {
  readonly actor: Actor;
  readonly child: Actor;
  #turns = 0n;

  constructor(stage: Stage, part: Part) {
    this.actor = stage.child('RP', (c) => {
      blockSigchld(c, 'SIGCHLD');
      c.block('SIGUSR1', 'SIGUSR2', 'SIGWINCH');
      c.fork((child) => {
        part(child.setMask());
      }).store('child');
      c.loop((again) => {
        again.sigwait('SIGUSR1', 'SIGUSR2', 'SIGWINCH').set(result, 2);
        again.when(again.register(2), '==', SIG.SIGUSR1, (w) => {
          waitInto(w, 'wait', w.word('child'), w.word('flags'));
        });
        again.when(again.register(2), '==', SIG.SIGUSR2, (w) => {
          sigchldInto(w, 'SIGCHLD', true);
        });
        again.when(again.register(2), '==', SIG.SIGWINCH, (w) => {
          sigchldInto(w, 'SIGCHLD', false);
        });
        again.increment('turns');
      });
    });
    this.child = stage.adoptFork('E', Number(this.actor.untilSet('child')), this.actor);
  }

  #tell(signal: string): void {
    this.#turns++;
    this.actor.stage.unrecorded(() => this.actor.kill(signal));
  }

  #done(): void {
    this.actor.untilWord('turns', this.#turns);
  }

  /** Lets its child come to rest, then looks (WNOHANG) for stops and continuations: `RP: poll = stopped by SIGSTOP`. */
  poll(flags: number = W.WUNTRACED | W.WCONTINUED): void {
    this.child.rest();
    this.actor.setWord('flags', BigInt(flags | W.WNOHANG));
    this.#tell('SIGUSR1');
    this.#done();
    this.actor.observe('poll', waitText(this.actor.word('wait')));
  }

  /** Begins to wait for a stop or a continuation, and sleeps in it. Nothing else may be asked before {@link RealParent.found}. */
  begin(flags: number = W.WUNTRACED | W.WCONTINUED): void {
    this.actor.setWord('flags', BigInt(flags));
    this.actor.setWord('wait', 0n);
    this.#tell('SIGUSR1');
    this.actor.stage.until('RP waits', () => sleepsIn(this.actor, 'wait4') || this.actor.word('wait') !== 0n);
  }

  /** What the wait that began has found: `RP: wait = continued`. */
  found(): void {
    try {
      this.#done();
    } catch (error) {
      if (error instanceof OutOfTime) this.actor.observe('wait', NO_REPORT);
      throw error;
    }
    this.actor.observe('wait', waitText(this.actor.word('wait')));
  }

  /** A wait that must find something: `RP: wait = stopped by SIGSTOP`. */
  wait(flags?: number): void {
    this.begin(flags);
    this.found();
  }

  /** Its next SIGCHLD: `RP: SIGCHLD = CLD_STOPPED 0x13 from E`. */
  sigchld(): void {
    this.#tell('SIGUSR2');
    this.#done();
    tellSigchld(this.actor, 'SIGCHLD');
  }

  /** Looks whether SIGCHLD is there. */
  pollSigchld(): void {
    this.child.rest();
    this.#tell('SIGWINCH');
    this.#done();
    tellSigchld(this.actor, 'SIGCHLD');
  }
}

/** Whether a task sleeps in a system call, by its name. */
export function sleepsIn(actor: Actor, call: string): boolean {
  if (procState(actor.tid) !== 'S') return false;
  const number = procSyscall(actor.tid);
  // Not every kernel tells.
  return number === undefined || number === actor.syscallNumber(call);
}

/** Whether a process runs: a word that its script counts in grows. Written down as `runs = true`. */
export function runs(actor: Actor, word = 'beats'): void {
  const before = actor.word(word);
  actor.stage.until(`${actor.name} runs`, () => actor.word(word) > before);
  actor.observe('runs', true);
}

/** A part that counts, a thousand times a second at most. */
export function beating(c: ChildScript): void {
  c.loop((again) => again.increment('beats').nanosleep(1));
}

/** A part of two threads that sleep in pause(2), again and again; the word `T` is the id of the one that is not the leader. */
export function twoSleepers(c: ChildScript): void {
  c.thread((t) =>
    t
      .syscall('gettid')
      .store('T')
      .loop((again) => again.pause()),
  );
  c.loop((again) => again.pause());
}

/** Makes a sleeping task a tracee that sleeps on. Not in the transcript. */
export function traceSleeping(actor: Actor, by: 'attach' | 'seize', options = 0): void {
  actor.stage.unrecorded(() => {
    actor.untilAsleep();
    if (by === 'seize') actor.mustSucceed(actor.seize(options), 'SEIZE');
    else {
      actor.mustSucceed(actor.attach(), 'ATTACH');
      actor.expectStop(SIG.SIGSTOP);
      if (options !== 0) actor.mustSucceed(actor.setOptions(options), 'SETOPTIONS');
      actor.mustSucceed(actor.cont(), 'CONT');
      actor.untilAsleep();
    }
  });
}

/** A process of two tracees that sleep: E, its leader, and T, its other thread. */
export function tracedPair(stage: Stage, by: 'attach' | 'seize'): { readonly e: Actor; readonly t: Actor } {
  const e = stage.child('E', twoSleepers);
  const t = stage.adopt('T', Number(e.untilSet('T')));
  for (const each of [e, t]) traceSleeping(each, by);
  return { e, t };
}
