/** Which kernels are meant by the words of a command line. */
import { globPattern } from '../conformance/select.js';
import { VmError } from './failure.js';
import { findSeries, kernelTable, type KernelSeries } from './kernel-table.js';

export interface SelectedKernel {
  readonly series: KernelSeries;
  /** Whether its own id is among the words, which makes it wanted even where it is optional. */
  readonly named: boolean;
}

/**
 * The series that words name, each once, in the order of the words.
 *
 * @param words ids, globs of ids ('*-arm64'), or 'all'
 * @throws VmError `bad-input` for a word that names none
 */
export function selectKernels(words: readonly string[]): SelectedKernel[] {
  const found = new Map<string, KernelSeries>();
  for (const word of words) {
    const pattern = word === 'all' ? /^/ : globPattern(word);
    const fitting =
      /[*?]/.test(word) || word === 'all' ? kernelTable.filter(({ id }) => pattern.test(id)) : [findSeries(word)];
    if (fitting.length === 0) {
      throw new VmError('bad-input', `no kernel's id fits '${word}'; linux-ptrace vm kernels lists them`);
    }
    for (const series of fitting) found.set(series.id, series);
  }
  return [...found.values()].map((series) => ({ series, named: words.includes(series.id) }));
}
