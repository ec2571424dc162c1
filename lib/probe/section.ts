/** A part of the probe that uses children of its own. */
import type { Lab } from './lab.js';
import { attempt, no, type Notes } from './notes.js';

export interface Section {
  /** What it looks at. */
  readonly ids: readonly string[];
  /** May throw a PtraceError: what was not noted by then has its outcome. */
  run(lab: Lab, notes: Notes): void;
}

/** Runs a section: whatever happens in it, all it was to look at has an outcome. */
export function runSection(section: Section, lab: Lab, notes: Notes): void {
  const outcome = attempt(() => {
    section.run(lab, notes);
    return 'done';
  });
  if (outcome.status !== 'yes') lab.spoil();
  // While the next one works, they die.
  lab.dismiss();
  notes.rest(
    section.ids,
    outcome.status === 'yes' ? no('was not tried') : { ...outcome, detail: `not reached: ${outcome.detail}` },
  );
}
