import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RESUME_MASK, SIGNAL_ACTION, UTRACE } from '../../lib/engine/actions.js';
import { EVENT } from '../../lib/engine/events.js';
import type { Seat } from '../../lib/engine/seat.js';
import { type Called, type Ops, Simulation } from './simulation.js';

/** What can happen to a thread, and what its engines can do. */
type Deed =
  | { readonly kind: 'attach'; readonly events: number }
  | { readonly kind: 'events'; readonly engine: number; readonly events: number }
  | { readonly kind: 'control'; readonly engine: number; readonly action: number }
  | { readonly kind: 'event'; readonly event: number; readonly bordered: boolean }
  | { readonly kind: 'signal'; readonly event: number }
  | { readonly kind: 'border' }
  | { readonly kind: 'kill' };

const mask = fc.nat({ max: 0x3fff });
const engine = fc.nat({ max: 5 });
const action = fc.constantFrom(0, 0, 1, 2, 3, 4, 5, 5, 6);
const EVENTS = [EVENT.CLONE, EVENT.EXEC, EVENT.EXIT, EVENT.SYSCALL_ENTRY, EVENT.SYSCALL_EXIT, EVENT.JCTL];
const SIGNALS = [EVENT.SIGNAL, EVENT.SIGNAL_IGN, EVENT.SIGNAL_TERM];

const control: fc.Arbitrary<Deed> = fc.record({ kind: fc.constant('control' as const), engine, action });
const inside: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 3, arbitrary: control },
  fc.record({ kind: fc.constant('attach' as const), events: mask }),
  fc.record({ kind: fc.constant('events' as const), engine, events: mask }),
  fc.constant<Deed>({ kind: 'kill' }),
);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('attach' as const), events: mask }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('events' as const), engine, events: mask }) },
  { weight: 4, arbitrary: control },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('event' as const),
      event: fc.constantFrom(...EVENTS),
      bordered: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('signal' as const), event: fc.constantFrom(...SIGNALS) }) },
  { weight: 2, arbitrary: fc.constant<Deed>({ kind: 'border' }) },
  { weight: 1, arbitrary: fc.constant<Deed>({ kind: 'kill' }) },
);
/** What a callback votes, and what it does before. Taken in turn, for ever. */
const reaction = fc.record({ vote: action, deed: fc.option(inside, { nil: undefined, freq: 3 }) });
const life = fc.record({
  deeds: fc.array(deed, { maxLength: 40 }),
  reactions: fc.array(reaction, { minLength: 1, maxLength: 30 }),
});

/** A life of a thread under engines, from its first attach to its reaping, with what must hold at every moment. */
class Life {
  readonly thread = new Simulation();
  readonly seats: Seat<Ops>[] = [];
  /** Engines for which a detach answered 0, and the number of calls made by then. */
  readonly detached = new Map<Seat<Ops>, number>();
  /** At which pass each engine was attached. */
  readonly bornIn = new Map<Seat<Ops>, number>();
  readonly log: Called[] = [];
  killedAt: number | undefined;
  deaths = 0;
  #turn = 0;
  #depth = 0;

  constructor(reactions: readonly { readonly vote: number; readonly deed: Deed | undefined }[]) {
    this.thread.vote = (called) => {
      this.#called(called);
      const { vote, deed: does } = reactions[this.#turn++ % reactions.length] ?? { vote: 5, deed: undefined };
      if (does !== undefined && this.#depth === 0) {
        this.#depth++;
        this.do(does);
        this.#depth--;
      }
      const limited = this.#turn > 300 && vote < UTRACE.RESUME ? UTRACE.RESUME : vote;
      return called.call === 'quiesce' ? limited : limited | (called.argument & SIGNAL_ACTION.IGN);
    };
  }

  #called(called: Called): void {
    const { seat, call, event, pass } = called;
    this.log.push(called);
    const detachedAt = this.detached.get(seat);
    expect(detachedAt, `a callback after a detach that answered 0`).toBeUndefined();
    expect(seat.gone).toBe(false);
    expect(this.bornIn.get(seat), 'attached inside this pass').not.toBe(pass);
    if (call === 'event') expect(seat.events & event, 'an event that it has not asked for').not.toBe(0);
    if (call === 'quiesce') expect(seat.events & EVENT.QUIESCE).not.toBe(0);
    if (this.killedAt !== undefined) {
      expect([EVENT.CLONE, EVENT.EXIT, EVENT.DEATH], 'after SIGKILL').toContain(event);
    }
  }

  do(what: Deed): void {
    const { thread } = this;
    const { arbitration } = thread;
    const inPass = arbitration.reporting !== undefined;
    switch (what.kind) {
      case 'attach': {
        if (this.seats.length > 5) return;
        const seat = thread.attach(`e${this.seats.length}`, what.events);
        this.seats.push(seat);
        if (inPass) this.bornIn.set(seat, this.log.at(-1)?.pass ?? -1);
        return;
      }
      case 'events': {
        const seat = this.seats[what.engine];
        if (seat === undefined) return;
        const answer = arbitration.setEvents(seat, what.events);
        if (seat.gone || seat.detached) expect(answer).toBe('ESRCH');
        return;
      }
      case 'control': {
        const seat = this.seats[what.engine];
        if (seat === undefined) return;
        this.#control(seat, what.action);
        return;
      }
      case 'event':
        if (arbitration.phase !== 'running' || (this.killedAt !== undefined && what.event === EVENT.SYSCALL_ENTRY))
          return;
        thread.event(what.event, what.bordered);
        return;
      case 'signal':
        if (arbitration.phase === 'running') thread.signal(what.event, SIGNAL_ACTION.IGN);
        return;
      case 'border':
        if (arbitration.phase === 'running') thread.border();
        return;
      case 'kill':
        this.killedAt ??= this.log.length;
        thread.kill();
        return;
    }
  }

  #control(seat: Seat<Ops>, wanted: number): void {
    const { thread } = this;
    const { arbitration } = thread;
    const before = arbitration.resume;
    const usable = !seat.gone && !seat.detached;
    const stoppedBefore = arbitration.phase === 'stopped';
    const others = arbitration.engines.filter((each) => each !== seat && each.wantsStop);
    const calls = this.log.length;
    const answer = thread.control(seat, wanted);
    if (!usable) {
      expect(answer).toBe('ESRCH');
      return;
    }
    if (arbitration.phase === 'dead') {
      expect(answer).toBe(wanted === UTRACE.DETACH ? 'EALREADY' : 'ESRCH');
      return;
    }
    if (wanted === UTRACE.DETACH && answer === 0) this.detached.set(seat, calls);
    if (wanted === UTRACE.STOP) expect(answer).toBe(stoppedBefore ? 0 : 'EINPROGRESS');
    if (stoppedBefore && others.length > 0) expect(arbitration.phase, 'somebody else holds it').toBe('stopped');
    if (arbitration.reporting !== undefined) expect(arbitration.resume).toBeLessThanOrEqual(before);
  }

  /** What must hold whenever no callback runs. */
  check(): void {
    const { arbitration } = this.thread;
    if (arbitration.phase === 'stopped') {
      expect(arbitration.stopWanted, 'it stands and nobody wants it to').toBe(true);
      if (this.killedAt !== undefined)
        expect(this.log.at(-1)?.event, 'SIGKILL breaks every stop but that at the exit').toBe(EVENT.EXIT);
    }
    let wanted = 0;
    for (const seat of arbitration.engines) wanted |= seat.events;
    expect(arbitration.wanted, 'the union of the masks').toBe(wanted);
    expect(arbitration.reporting).toBeUndefined();
  }

  /** Each pass in the order of attaching, at the entry of a system call in reverse, quiesce before the event. */
  checkOrder(): void {
    const passes = new Map<number, Called[]>();
    for (const called of this.log) passes.set(called.pass, [...(passes.get(called.pass) ?? []), called]);
    for (const calls of passes.values()) {
      const order = calls.map(({ seat }) => this.seats.indexOf(seat));
      const sorted = [...order].sort((a, b) => (calls[0]?.event === EVENT.SYSCALL_ENTRY ? b - a : a - b));
      expect(order).toEqual(sorted);
      for (const [index, { seat, call }] of calls.entries()) {
        const earlier = calls.slice(0, index).filter((each) => each.seat === seat);
        expect(
          earlier.length === 0 || (call === 'event' && earlier.length === 1 && earlier[0]?.call === 'quiesce'),
        ).toBe(true);
      }
    }
  }

  end(): void {
    const { thread } = this;
    const { arbitration } = thread;
    if (arbitration.phase === 'stopped') {
      for (const seat of arbitration.engines) this.#control(seat, UTRACE.RESUME);
    }
    thread.die();
    expect(arbitration.phase).toBe('dead');
    for (const seat of arbitration.engines)
      expect(arbitration.control(seat, UTRACE.STOP, { single: true, block: true })).toBe('ESRCH');
    const alive = arbitration.engines;
    const told = thread.reap();
    expect(told).toEqual(alive.filter((seat) => (seat.events & EVENT.REAP) !== 0));
    for (const seat of this.seats) expect(arbitration.setEvents(seat, 0)).toBe('ESRCH');
  }
}

const RUNS = { numRuns: 3000 };

describe('whatever happens', () => {
  it('every guarantee of the arbitration holds', () => {
    fc.assert(
      fc.property(life, ({ deeds, reactions }) => {
        const one = new Life(reactions);
        for (const what of deeds) {
          one.do(what);
          one.check();
        }
        one.end();
        one.checkOrder();
      }),
      RUNS,
    );
  });

  it('STOP holds the thread until its owner lets go, whatever the others vote and ask for', () => {
    fc.assert(
      fc.property(life, ({ deeds, reactions }) => {
        const one = new Life(reactions);
        const holder = one.thread.attach('holder', 0);
        one.thread.control(holder, UTRACE.STOP);
        one.thread.border();
        expect(one.thread.arbitration.phase).toBe('stopped');
        for (const what of deeds) {
          if (what.kind === 'kill') continue;
          one.do(what);
          expect(one.thread.arbitration.phase).toBe('stopped');
        }
        expect(one.log).toEqual([]);
        one.thread.control(holder, UTRACE.RESUME);
        expect(holder.wantsStop).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('the smallest vote of the last pass before user mode is what the thread does', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 2, 3, 4, 5), { minLength: 1, maxLength: 6 }), (votes) => {
        const thread = new Simulation();
        const seats = votes.map((_, index) => thread.attach(index, EVENT.QUIESCE));
        thread.control(seats[0] as Seat<Ops>, UTRACE.REPORT);
        thread.vote = ({ seat }) => votes[seat.data as number];
        const seen = new Map<unknown, number>();
        thread.border();
        for (const { seat, argument } of thread.called) seen.set(seat.data, argument & RESUME_MASK);
        for (const [index] of votes.entries()) {
          expect(seen.get(index)).toBe(Math.min(UTRACE.RESUME, ...votes.slice(0, index)));
        }
        const least = Math.min(...votes);
        if (least === UTRACE.STOP) expect(thread.arbitration.phase).toBe('stopped');
        else
          expect(thread.verdict).toBe(
            least === UTRACE.SINGLESTEP ? 'step' : least === UTRACE.BLOCKSTEP ? 'block-step' : 'go',
          );
      }),
    );
  });
});
