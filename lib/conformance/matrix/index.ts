/** The matrices: what is generated from rules, cell by cell. */
import type { Scenario } from '../scenario.js';
import { pairCells } from './pair-cells.js';
import { requestCells } from './request-cells.js';
import { signalCells } from './signal-cells.js';

export const matrix: readonly Scenario[] = [...requestCells, ...signalCells, ...pairCells];
