/** Which kernels of the table are meant. */
import { nearest } from '../conformance/nearest.js';
import { globPattern } from '../conformance/select.js';
import { VmError } from './failure.js';

/**
 * The kernels that the words name, in the order of the table; all without words.
 *
 * @param words ids or globs
 * @throws VmError `bad-input` when a word fits none
 */
export function chooseKernels<K extends { readonly id: string }>(words: readonly string[], table: readonly K[]): K[] {
  if (words.length === 0) return [...table];
  const chosen = new Set<K>();
  for (const word of words) {
    const pattern = globPattern(word);
    const fitting = table.filter(({ id }) => pattern.test(id));
    if (fitting.length === 0) {
      const near = nearest(
        word,
        table.map(({ id }) => id),
        3,
      );
      const meant = near.length === 0 ? '' : ` (${near.join(', ')}?)`;
      throw new VmError('bad-input', `no kernel is called '${word}'${meant}; linux-ptrace vm kernels lists them`);
    }
    for (const kernel of fitting) chosen.add(kernel);
  }
  return table.filter((kernel) => chosen.has(kernel));
}
