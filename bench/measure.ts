/** Measures one row: rounds of new processes, pairs in turn in each round. */
import { allowedCpus, idlestCpus } from './machine.js';
import type { Row, Sides } from './rows.js';
import type { Measurement, Place } from './side.js';
import { summarize, type Pair, type Spread } from './statistics.js';
import type { Workshop } from './workshop.js';

export interface Result {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly against: string;
  readonly ours: number | null;
  readonly reference: number | null;
  readonly ratio: number | null;
  readonly compared: string;
  readonly target: number | null;
  /** Whether the target is met; null without one, or when nothing was measured. */
  readonly ok: boolean | null;
  /** Of what is compared, over the rounds. */
  readonly spread: Spread | null;
  readonly rounds: number;
  readonly note?: string;
  /** Why nothing was measured. */
  readonly skipped?: string;
  /** What went wrong. */
  readonly failed?: string;
}

export interface Effort {
  readonly rounds: number;
  /** Little work for a first look: the numbers are worth little, too. */
  readonly quick: boolean;
}

const NANOSECONDS = { µs: 1e3, ms: 1e6 } as const;

async function place(row: Row, workshop: Workshop): Promise<Place | undefined> {
  const [first = -1, second] = await idlestCpus();
  switch (row.where) {
    case 'same-cpu':
      return { workshop, tracerCpu: first, traceeCpu: first };
    case 'two-cpus':
      return second === undefined ? undefined : { workshop, tracerCpu: first, traceeCpu: second };
    case 'free':
      return { workshop, tracerCpu: -1, traceeCpu: -1 };
  }
}

interface Round {
  readonly pairs: Pair[];
  readonly ours: Measurement;
  readonly reference: Measurement | undefined;
}

async function measureRound(row: Row, sides: Sides, quick: boolean): Promise<Round> {
  const units = quick ? Math.max(1, Math.round(row.units / 10)) : row.units;
  const pairs = quick ? Math.min(2, row.pairs) : row.pairs;
  const scale = NANOSECONDS[row.unit];
  const { ours, reference } = sides;
  if (row.warmUp > 0) {
    await ours.measure(row.warmUp);
    await reference?.measure(row.warmUp);
  }
  const round: { pairs: Pair[]; ours?: Measurement; reference?: Measurement } = { pairs: [] };
  for (let pair = 0; pair < pairs; pair++) {
    // Who goes first changes: what grows worse with time hits both.
    if (pair % 2 === 1 && reference !== undefined) round.reference = await reference.measure(units);
    round.ours = await ours.measure(units);
    if (pair % 2 === 0 && reference !== undefined) round.reference = await reference.measure(units);
    round.pairs.push({ ours: round.ours.ns / scale, reference: (round.reference?.ns ?? NaN) / scale });
  }
  if (round.ours === undefined) throw new Error(`${row.id} measures nothing`);
  return { pairs: round.pairs, ours: round.ours, reference: round.reference };
}

export async function measure(row: Row, workshop: Workshop, effort: Effort): Promise<Result> {
  const { id, title, unit, against, compared, target } = row;
  const nothing = { id, title, unit, against, compared, target, ours: null, reference: null, ratio: null, ok: null };
  const none = { ...nothing, spread: null, rounds: 0 };
  const skipped = workshop.noPrograms ?? row.missing?.();
  if (skipped !== undefined) return { ...none, skipped };
  if (row.where === 'two-cpus' && allowedCpus().length < 2) return { ...none, skipped: 'there is one CPU only' };
  const count = Math.min(effort.rounds, row.mostRounds ?? effort.rounds);
  const done: Round[] = [];
  try {
    while (done.length < count) {
      const where = await place(row, workshop);
      if (where === undefined) return { ...none, skipped: 'there is one CPU only' };
      const sides = await row.open(where);
      try {
        done.push(await measureRound(row, sides, effort.quick));
      } finally {
        await sides.ours.stop();
        await sides.reference?.stop();
      }
    }
  } catch (error) {
    return { ...none, failed: error instanceof Error ? error.message : String(error) };
  }
  const last = done.at(-1);
  if (last === undefined || last.ours.ns < 0) return { ...none, skipped: 'there is nothing of that kind yet' };
  const summary = summarize(
    done.map(({ pairs }) => pairs),
    compared,
    last.reference !== undefined,
  );
  return {
    ...nothing,
    ours: summary.ours,
    reference: summary.reference,
    ratio: summary.ratio,
    ok: target === null ? null : summary.value <= target,
    spread: summary.spread,
    rounds: done.length,
    ...(row.note === undefined ? {} : { note: row.note(last.ours, last.reference) }),
  };
}
