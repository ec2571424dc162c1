/** Tracees of another ABI than their tracer's. */
import type { Scenario } from '../../scenario.js';
import { arm32 } from '../arch/arm64/arm32.js';
import { i386Calls } from '../arch/x64/i386-calls.js';
import { x32 } from '../arch/x64/x32.js';

export const otherAbis: readonly Scenario[] = [...i386Calls, ...x32, ...arm32];
