/** Hardware breakpoints and watchpoints: how many can be set, of what kind, and whether they stop. */
import { breakpointFor } from '../../kernel/breakpoint.js';
import type { ArchProbe, DebugUnit } from '../arch-probe.js';
import { debugId } from '../catalogue.js';
import { isTrap, type Lab, type Specimen } from '../lab.js';
import { attempt, type Notes, type Outcome } from '../notes.js';
import type { DebugCapability } from '../report.js';
import type { Section } from '../section.js';

type Stops = DebugCapability['stops'];

/** How many can be set at once, and what the kernel said to the first one that could not. */
function countOf(most: number, set: (count: number) => void): { readonly count: number; readonly end?: Outcome } {
  for (let count = 1; count <= most; count++) {
    const outcome = attempt(() => set(count));
    if (outcome.status !== 'yes') return { count: count - 1, end: outcome };
  }
  return { count: most };
}

const range = (count: number): bigint[] => Array.from({ length: count }, (_, index) => BigInt(index));

/** Lets it run: whether it was stopped by a trap, and how. */
function stopsAt(specimen: Specimen, set: () => void, clear: () => void, how: () => Stops): Stops {
  set();
  let stops: Stops = 'never';
  const outcome = attempt(() => {
    if (isTrap(specimen.resumeToStop())) stops = how();
  });
  if (outcome.status !== 'yes') specimen.interruptAgain();
  clear();
  return stops;
}

function note(
  notes: Notes,
  kind: DebugCapability['kind'],
  found: Pick<DebugCapability, 'count' | 'stops' | 'lengths' | 'accesses' | 'shared'>,
  end: Outcome | undefined,
): void {
  const { count, stops, shared } = found;
  if (count === 0 && end !== undefined) {
    notes.set(debugId(kind), end, { ...found });
    return;
  }
  const works = count > 0 && stops !== 'never';
  const slots = `${count}${shared ? ', shared with the others' : ''}`;
  const detail = works ? `${slots}, stopping ${stops} the access` : `${slots} can be set, but none stopped the tracee`;
  notes.set(debugId(kind), { status: works ? 'yes' : 'no', detail }, { ...found });
}

function breakpoints(notes: Notes, specimen: Specimen, unit: DebugUnit, width: bigint): void {
  const { tid, child } = specimen;
  const set = (count: number): void => {
    unit.setBreakpoints(
      tid,
      range(count).map((index) => child.nops + index * width),
    );
  };
  const { count, end } = countOf(unit.mostSlots, set);
  const stops =
    count === 0
      ? 'never'
      : stopsAt(
          specimen,
          () => set(1),
          () => set(0),
          () => (specimen.pc === child.nops ? 'before' : 'after'),
        );
  note(notes, 'breakpoint', { count, stops, lengths: [], accesses: ['execute'], shared: unit.shared }, end);
}

function watchpoints(notes: Notes, specimen: Specimen, unit: DebugUnit): void {
  const { tid, child } = specimen;
  const area = child.address('area');
  const [length = 8, access = 'write'] = [unit.lengths.at(-1), unit.accesses.find((each) => each === 'write')];
  const takes = (watch: { readonly length: number; readonly access: string }): boolean =>
    attempt(() => unit.setWatchpoints(tid, [{ address: area, ...watch }])).status === 'yes';
  const lengths = unit.lengths.filter((each) => takes({ length: each, access }));
  const accesses = unit.accesses.filter((each) => takes({ length, access: each }));
  const { count, end } = countOf(unit.mostSlots, (most) =>
    unit.setWatchpoints(
      tid,
      range(most).map((index) => ({ address: area + 8n * index, length, access })),
    ),
  );
  const before = specimen.read('watched');
  const stops =
    count === 0
      ? 'never'
      : stopsAt(
          specimen,
          () => unit.setWatchpoints(tid, [{ address: child.address('watched'), length, access }]),
          () => unit.setWatchpoints(tid, []),
          () => (specimen.read('watched') === before ? 'before' : 'after'),
        );
  note(notes, 'watchpoint', { count, stops, lengths, accesses, shared: unit.shared }, end);
}

export function debugging({ debug: unit }: ArchProbe): Section {
  return {
    ids: [debugId('breakpoint'), debugId('watchpoint')],
    run(lab: Lab, notes) {
      const specimen = lab.subject();
      breakpoints(notes, specimen, unit, BigInt(breakpointFor(lab.arch.nativeAbi).bytes.length));
      watchpoints(notes, specimen, unit);
    },
  };
}
