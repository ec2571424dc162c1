/**
 * What is still traced when Node ends: detached in order, or killed. An implicit detach by the kernel would deliver signals that nobody has seen, and kill what is
 * being stepped.
 */
import { binding } from '../binding.js';
import { scaledMillis } from '../time-scale.js';

/** How long the end of Node may be held up by stopping and detaching what runs. */
const END_MILLIS = 2000;

let isHooked = false;

/** `process.on('exit')` covers what the environment's clean-up hook does not: process.exit and an uncaught exception. */
export function endWithNode(): void {
  if (isHooked) return;
  isHooked = true;
  process.on('exit', () => {
    binding().endTracees(scaledMillis(END_MILLIS));
  });
}
