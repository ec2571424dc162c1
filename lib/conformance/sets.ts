/** The sets that a run can be made of. */
import { catalogue } from './catalogue.js';
import type { Scenario } from './scenario.js';

export const SETS = ['scenarios', 'matrix', 'all'] as const;

export type SetName = (typeof SETS)[number];

/** The scenarios of a set, in the order of reports. A worker finds them in the catalogue by their ids. */
export function scenariosOf(set: SetName): readonly Scenario[] {
  switch (set) {
    case 'scenarios':
      return catalogue().all;
    case 'matrix':
      return catalogue().matrix;
    case 'all':
      return [...catalogue().all, ...catalogue().matrix];
  }
}
