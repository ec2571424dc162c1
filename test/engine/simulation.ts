/** A thread without a kernel: makes the passes of an arbitration as the driver does, with votes from a table, and writes down what was called. */
import { UTRACE } from '../../lib/engine/actions.js';
import { Arbitration, type BorderVerdict, type Call } from '../../lib/engine/arbitration.js';
import { EVENT } from '../../lib/engine/events.js';
import { ATTACH, type Seat } from '../../lib/engine/seat.js';

/** The seats are told apart by their data. */
export type Ops = object;

export interface Called {
  readonly seat: Seat<Ops>;
  readonly call: Call;
  readonly event: number;
  readonly argument: number;
  /** Of the pass. */
  readonly pass: number;
}

/** Gives the vote of a callback; undefined abstains. */
export type Voter = (called: Called) => number | undefined;

export const CPU = { single: true, block: true };
const OPS: Ops = {};

export class Simulation {
  readonly arbitration = new Arbitration<Ops>();
  readonly called: Called[] = [];
  /** The last way it went on: 'step' and the like, or 'go'. */
  verdict: BorderVerdict | 'exit' | undefined;
  vote: Voter = () => undefined;
  #passes = 0;
  /** What to do when a stop is over. */
  #wake: (() => void) | undefined;
  inPass = false;

  attach(data: unknown, events: number, flags: number = ATTACH.CREATE): Seat<Ops> {
    const seat = this.arbitration.attach(flags, OPS, data);
    if (typeof seat === 'string') throw new Error(seat);
    this.arbitration.setEvents(seat, events);
    return seat;
  }

  /** As the driver does: an action may end the stop. */
  control(seat: Seat<Ops>, action: number, self = false): ReturnType<Arbitration<Ops>['control']> {
    const stopped = this.arbitration.phase === 'stopped';
    const result = this.arbitration.control(seat, action, CPU, self);
    if (stopped && (this.arbitration.phase as string) === 'running') this.goOn();
    return result;
  }

  kill(): void {
    const stopped = this.arbitration.phase === 'stopped';
    this.arbitration.kill();
    // Nothing of the stop that was broken is made good.
    if (stopped && (this.arbitration.phase as string) === 'running') this.#wake = undefined;
  }

  goOn(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #calls(event: number): void {
    const { arbitration } = this;
    const pass = ++this.#passes;
    this.inPass = true;
    for (let call = arbitration.next(); call !== undefined; call = arbitration.next()) {
      const seat = arbitration.reporting as Seat<Ops>;
      const called: Called = { seat, call, event, argument: arbitration.argument, pass };
      this.called.push(called);
      const vote = this.vote(called);
      arbitration.settle(call, vote ?? arbitration.abstention(call));
    }
    this.inPass = false;
  }

  /** An event whose border is right behind it (at the exit of a system call) or far away (`bordered` false: an exec). */
  event(event: number, bordered = true, resumed = false): void {
    const { arbitration } = this;
    const atOnce = event === EVENT.SYSCALL_ENTRY || event === EVENT.EXIT;
    if (arbitration.begin(event, resumed)) {
      this.#calls(event);
      if (arbitration.end(atOnce, event === EVENT.EXIT)) {
        this.#wake = () => {
          if (event === EVENT.SYSCALL_ENTRY && arbitration.resume <= UTRACE.REPORT) this.event(event, bordered, true);
          else this.verdict = 'go';
        };
        return;
      }
    }
    if (!atOnce && bordered) this.border();
  }

  border(signalPath = false): void {
    const { arbitration } = this;
    for (let pass = 0; pass < 100; pass++) {
      if (!arbitration.isPending && !arbitration.stopWanted) {
        this.verdict = 'go';
        return;
      }
      if (arbitration.beginBorder(signalPath)) this.#calls(0);
      const verdict = arbitration.endBorder();
      if (verdict === 'stop') {
        this.#wake = () => this.border(signalPath);
        return;
      }
      if (verdict !== 'again') {
        this.verdict = verdict;
        return;
      }
    }
    throw new Error('the border does not come to an end');
  }

  /** A signal; what its action comes to. */
  signal(event: number, action: number): number {
    const { arbitration } = this;
    if (arbitration.isPending) this.border(true);
    if (arbitration.phase !== 'running' || !arbitration.beginSignal(event, action)) return action;
    this.#calls(event);
    const { result } = arbitration;
    if (event === EVENT.SIGNAL && (result & 0x70) === 0) arbitration.endSignal(true);
    else arbitration.endSignal(false);
    return result;
  }

  die(): void {
    this.#wake = undefined;
    if (this.arbitration.beginDeath()) this.#calls(EVENT.DEATH);
    this.arbitration.endDeath();
  }

  /** Those that are told. */
  reap(): Seat<Ops>[] {
    return this.arbitration.reap();
  }

  /** What was called, as 'name.call', since the last time. */
  taken(): string[] {
    return this.called.splice(0).map(({ seat, call }) => `${String(seat.data)}.${call}`);
  }
}
