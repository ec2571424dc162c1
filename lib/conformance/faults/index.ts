/** All faults that the suite is tried on. */
import { attaching } from './attaching.js';
import { interrupting } from './interrupting.js';
import type { Fault } from './lying-kernel.js';
import { requests } from './requests.js';
import { stops } from './stops.js';

export { type Fault, lyingKernel } from './lying-kernel.js';

export const faults: readonly Fault[] = [...attaching, ...interrupting, ...stops, ...requests];

/** A fault by its id. */
export function faultById(id: string): Fault | undefined {
  return faults.find((fault) => fault.id === id);
}
