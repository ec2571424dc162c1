/** The kernels that can be fetched: series, each of which the distribution keeps up to date, not single versions. */
import { nearest } from '../conformance/nearest.js';
import { VmError } from './failure.js';
import type { GuestArch } from './guest-arch.js';

/**
 * - `cloud`: for virtual machines: NVMe disks and ext4 are built in, what no such machine has is left out.
 * - `16k`: the general kernel with pages of 16 KiB.
 * - `rt`: the general kernel with PREEMPT_RT.
 *
 * The general kernels have disks and their file systems in modules, which are not fetched; initramfs, serial console and virtio console (seen in 6.12)
 * are built in.
 */
export type KernelFlavour = 'cloud' | '16k' | 'rt';

export interface KernelSeries {
  /** '6.12-arm64', '6.12-x64-rt' */
  readonly id: string;
  readonly arch: GuestArch;
  /** '6.12' */
  readonly release: string;
  readonly flavour: KernelFlavour;
  /** The suites of the distribution that have, or had, packages of it. The newest package of them all counts. */
  readonly suites: readonly string[];
  /** Whether it is no fault when it cannot be had. */
  readonly optional: boolean;
}

const suitesOf: readonly (readonly [release: string, suites: readonly string[]])[] = [
  ['5.10', ['bullseye-security', 'bullseye']],
  ['6.1', ['bookworm-security', 'bookworm', 'bullseye-security']],
  ['6.12', ['trixie-security', 'trixie', 'bookworm-security', 'bookworm-backports']],
  ['6.16', ['trixie-backports']],
  ['6.17', ['trixie-backports']],
  ['6.18', ['trixie-backports']],
  ['6.19', ['trixie-backports']],
  ['7.0', ['trixie-backports']],
  ['7.1', ['trixie-backports']],
  ['7.2', ['trixie-backports', 'sid']],
  ['7.3', ['trixie-backports', 'sid', 'experimental']],
];

/** The flavours beside `cloud`. Those of other releases teach nothing that these do not. */
const others: readonly (readonly [release: string, arch: GuestArch, flavour: KernelFlavour])[] = [
  ['6.12', 'x64', 'rt'],
  ['6.12', 'arm64', '16k'],
  ['6.12', 'arm64', 'rt'],
  ['7.2', 'x64', 'rt'],
  ['7.2', 'arm64', 'rt'],
];

/** All series, in the order of their releases. */
export const kernelTable: readonly KernelSeries[] = suitesOf.flatMap(([release, suites]) =>
  (['x64', 'arm64'] as const).flatMap((arch): KernelSeries[] => [
    { id: `${release}-${arch}`, arch, release, flavour: 'cloud', suites, optional: false },
    ...others
      .filter((other) => other[0] === release && other[1] === arch)
      .map(([, , flavour]): KernelSeries => {
        const id = `${release}-${arch}-${flavour}`;
        return { id, arch, release, flavour, suites, optional: flavour === 'rt' };
      }),
  ]),
);

/**
 * The series of an id.
 *
 * @throws VmError `bad-input` if there is none
 */
export function findSeries(id: string): KernelSeries {
  const found = kernelTable.find((series) => series.id === id);
  if (found !== undefined) return found;
  const near = nearest(
    id,
    kernelTable.map((series) => series.id),
    3,
  );
  const meant = near.length === 0 ? '' : ` (${near.join(', ')}?)`;
  throw new VmError('bad-input', `there is no kernel '${id}'${meant}; linux-ptrace vm kernels lists them`);
}
