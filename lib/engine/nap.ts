const NAP_MILLIS = 0.2;

const napping = new Int32Array(new SharedArrayBuffer(4));

/** Gives the CPU away for a moment, blocking this JavaScript thread. */
export function nap(millis = NAP_MILLIS): void {
  Atomics.wait(napping, 0, 0, millis);
}
