/** The parts that the suite is made of, in the order of reports, each loaded when it is wanted. */
import type { Scenario } from './scenario.js';

type Part = () => Promise<readonly Scenario[]>;

/** Those whose scenarios were written one by one. */
const written: Readonly<Record<string, Part>> = {
  series: async () => (await import('./scenarios/commits/series.js')).series,
  commits: async () => (await import('./scenarios/commits/kernel.js')).kernelCommits,
  seeds: async () => (await import('./scenarios/seeds/index.js')).seeds,
  processes: async () => (await import('./scenarios/ptrace-tests/processes.js')).processTests,
  machine: async () => (await import('./scenarios/ptrace-tests/machine.js')).machineTests,
  selftests: async () => (await import('./scenarios/selftests/index.js')).selftests,
  ltp: async () => (await import('./scenarios/ltp/index.js')).ltp,
  gvisor: async () => (await import('./scenarios/gvisor/index.js')).gvisor,
  others: async () => (await import('./scenarios/others/index.js')).others,
  manual: async () => (await import('./scenarios/manual/index.js')).manualPage,
  abis: async () => (await import('./scenarios/abis/index.js')).otherAbis,
};

/** Those that are generated from rules, cell by cell. */
const generated: Readonly<Record<string, Part>> = {
  'request-cells': async () => (await import('./matrix/request-cells.js')).requestCells,
  'signal-cells': async () => (await import('./matrix/signal-cells.js')).signalCells,
  'pair-cells': async () => (await import('./matrix/pair-cells.js')).pairCells,
};

export const WRITTEN: readonly string[] = Object.keys(written);
export const GENERATED: readonly string[] = Object.keys(generated);

/**
 * The scenarios of a part.
 *
 * @throws Error when the suite has no such part
 */
export async function loadPart(name: string): Promise<readonly Scenario[]> {
  const part = written[name] ?? generated[name];
  if (part === undefined) throw new Error(`the suite has no part ${name}`);
  return await part();
}

/** The scenarios of several parts. */
export async function loadParts(names: readonly string[]): Promise<readonly Scenario[]> {
  return (await Promise.all(names.map(loadPart))).flat();
}
