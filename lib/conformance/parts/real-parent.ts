/** A real parent that is not the tracer. */
import { SIG } from '../../kernel/signals.js';
import { W } from '../../kernel/wait-flags.js';
import { type Part, result } from '../../raw/child.js';
import type { Actor } from '../actor.js';
import { NO_REPORT } from '../describe.js';
import { OutOfTime, type Stage } from '../stage.js';
import { sleepsIn } from './activity.js';
import { blockSigchld, lookForSigchld, takeSigchld, tellSigchld } from './script-sigchld.js';
import { waitInto, waitText } from './script-waits.js';

/**
 * The real parent of a tracee, RP, in a process of its own. It does what it is told: waits for its child E, takes its SIGCHLD.
 *
 * The child plays its part at once, with no signals blocked.
 */
export class RealParent {
  readonly actor: Actor;
  readonly child: Actor;
  #turns = 0n;

  constructor(stage: Stage, part: Part, name = 'RP') {
    this.actor = stage.child(name, (c) => {
      blockSigchld(c, 'SIGCHLD');
      c.block('SIGUSR1', 'SIGUSR2', 'SIGWINCH');
      c.fork((child) => {
        part(child.setMask());
      }).store('child');
      c.loop((again) => {
        again.sigwait('SIGUSR1', 'SIGUSR2', 'SIGWINCH').set(result, 1);
        again.when(again.register(1), '==', SIG.SIGUSR1, (w) => {
          waitInto(w, 'wait', w.word('child'), w.word('flags'));
        });
        again.when(again.register(1), '==', SIG.SIGUSR2, (w) => {
          takeSigchld(w, 'SIGCHLD');
        });
        again.when(again.register(1), '==', SIG.SIGWINCH, (w) => {
          lookForSigchld(w, 'SIGCHLD');
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

  /**
   * Lets its child come to rest, then looks (WNOHANG) for stops, continuations and its end: `RP: poll = stopped by SIGSTOP`.
   *
   * @param what the name of the look in the transcript
   */
  poll(flags: number = W.WUNTRACED | W.WCONTINUED, what = 'poll'): void {
    this.child.rest();
    this.actor.setWord('flags', BigInt(flags | W.WNOHANG));
    this.#tell('SIGUSR1');
    this.#done();
    this.actor.observe(what, waitText(this.actor, 'wait'));
  }

  /** Begins to wait for a stop or a continuation, and sleeps in it. Nothing else may be asked before {@link RealParent.found}. */
  begin(flags: number = W.WUNTRACED | W.WCONTINUED): void {
    this.actor.setWord('flags', BigInt(flags));
    this.actor.setWord('wait', 0n);
    this.#tell('SIGUSR1');
    this.actor.stage.until(
      `${this.actor.name} waits`,
      () => sleepsIn(this.actor, 'wait4') || this.actor.word('wait') !== 0n,
    );
  }

  /** What the wait that began has found: `RP: wait = continued`. */
  found(): void {
    try {
      this.#done();
    } catch (error) {
      if (error instanceof OutOfTime) this.actor.observe('wait', NO_REPORT);
      throw error;
    }
    this.actor.observe('wait', waitText(this.actor, 'wait'));
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
