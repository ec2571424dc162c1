/** How kernels are called on the page. */
import type { PageData, PageKernel } from '../data.js';

/**
 * The two lines over a column. Kernels that are called by their releases differ in what comes behind, or in the machine; those of a collection
 * have names of their own, which are shorter and tell builds of one release apart: `6.12-arm64-16k`.
 */
export function headNames({ name, release, machine }: PageKernel): readonly [first: string, second: string] {
  if (name.startsWith(release)) return [release, name.slice(release.length).trim() || machine];
  const [series = name, ...build] = name.split('-');
  return [series, build.join('-') || machine];
}

/** Releases, those of one machine together: `5.10.246, 6.1.158 x86_64; 6.1.158 aarch64`; or the names of a collection. */
export function kernelNames({ kernels: all }: PageData, chosen: readonly number[]): string {
  if (chosen.length === all.length && chosen.length > 1) return `all ${chosen.length} kernels`;
  const machines = new Map<string, string[]>();
  for (const index of chosen) {
    const { name = '', release = '' } = all[index] ?? {};
    const [called, rest] = name.startsWith(release) ? [release, name.slice(release.length)] : [name, ''];
    machines.set(rest, [...(machines.get(rest) ?? []), called]);
  }
  return [...machines].map(([rest, releases]) => `${releases.join(', ')}${rest}`).join('; ');
}
