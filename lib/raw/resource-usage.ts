/** `struct rusage`, as the waits give it, by the names that Node's `process.resourceUsage()` has for its fields. */

/** Words of a `struct rusage`. */
export const RUSAGE_WORDS = 18;

/** What a child has used, together with the children that it has waited for. CPU times in microseconds, maxRSS in KiB. */
export type ResourceUsage = NodeJS.ResourceUsage;

/** Source: getrusage(2). */
export function decodeRusage(words: BigInt64Array): ResourceUsage {
  const at = (index: number): number => Number(words[index] ?? 0n);
  return {
    userCPUTime: at(0) * 1_000_000 + at(1),
    systemCPUTime: at(2) * 1_000_000 + at(3),
    maxRSS: at(4),
    sharedMemorySize: at(5),
    unsharedDataSize: at(6),
    unsharedStackSize: at(7),
    minorPageFault: at(8),
    majorPageFault: at(9),
    swappedOut: at(10),
    fsRead: at(11),
    fsWrite: at(12),
    ipcSent: at(13),
    ipcReceived: at(14),
    signalsCount: at(15),
    voluntaryContextSwitches: at(16),
    involuntaryContextSwitches: at(17),
  };
}
