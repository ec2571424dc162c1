/** Tracees of another ABI than their tracer's. */
import type { Scenario } from '../../scenario.js';
import { arm32 } from '../arch/arm64/arm32.js';
import { x32 } from '../arch/x64/x32.js';

export const otherAbis: readonly Scenario[] = [...x32, ...arm32];
