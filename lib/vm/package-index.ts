/** The lists of packages that an archive publishes, and which of them hold a kernel. */
import { compareDebianVersions } from './debian-version.js';
import { debianArch } from './guest-arch.js';
import type { KernelSeries } from './kernel-table.js';

export interface IndexedPackage {
  readonly name: string;
  readonly version: string;
  /** Of the package's file, in bytes. */
  readonly size: number;
}

/** The paragraphs of a Packages file whose packages are of a name that `wanted` fits, as they stand there. */
export function filterIndex(text: string, wanted: RegExp): string {
  const kept: string[] = [];
  for (let at = 0; at < text.length;) {
    const blank = text.indexOf('\n\n', at);
    const end = blank < 0 ? text.length : blank;
    if (text.startsWith('Package: ', at)) {
      const name = text.slice(at + 'Package: '.length, text.indexOf('\n', at)).trim();
      if (wanted.test(name)) kept.push(text.slice(at, end).trimEnd());
    }
    at = end + 2;
    while (text.charAt(at) === '\n') at++;
  }
  return kept.map((paragraph) => `${paragraph}\n\n`).join('');
}

const field = (paragraph: string, name: string): string | undefined =>
  new RegExp(`^${name}: *(.*)$`, 'm').exec(paragraph)?.[1]?.trim();

/** The packages of a Packages file. */
export function parseIndex(text: string): IndexedPackage[] {
  return text.split(/\n{2,}/).flatMap((paragraph): IndexedPackage[] => {
    const name = field(paragraph, 'Package');
    const version = field(paragraph, 'Version');
    if (name === undefined || version === undefined) return [];
    return [{ name, version, size: Number(field(paragraph, 'Size') ?? 0) }];
  });
}

/** A package in a suite. */
export interface Candidate extends IndexedPackage {
  readonly suite: string;
}

/** From 6.19 on `linux-image-*` is a shell of some kilobytes, as the packages that name the newest kernel always were. */
const LEAST_SIZE = 1 << 20;

const FLAVOURS = { cloud: 'cloud-ARCH', rt: 'rt-ARCH', '16k': 'ARCH-16k' } as const;

/** The names that packages with a kernel of a series have: `linux-binary-*` since 6.19, before that `linux-image-*`. */
function packageNames({ release, arch, flavour }: KernelSeries): RegExp {
  const end = FLAVOURS[flavour].replace('ARCH', debianArch[arch]);
  return new RegExp(
    `^linux-(image|binary)-${release.replaceAll('.', '\\.')}([.+~][^-]*)?(-(rc)?[0-9][^-]*)?-${end}(-unsigned)?$`,
  );
}

/**
 * The packages with a kernel of a series, the best first: newer versions before older ones; of one version the unsigned package first, whose
 * kernel is the same and which is made without waiting for a signature; then in the order of the suites.
 */
export function kernelCandidates(
  series: KernelSeries,
  suites: readonly { readonly suite: string; readonly packages: readonly IndexedPackage[] }[],
): Candidate[] {
  const names = packageNames(series);
  const signed = ({ name }: Candidate): number => (name.endsWith('-unsigned') ? 0 : 1);
  return suites
    .flatMap(({ suite, packages }) => packages.map((each): Candidate => ({ ...each, suite })))
    .filter(({ name, size }) => names.test(name) && size >= LEAST_SIZE)
    .sort((a, b) => compareDebianVersions(b.version, a.version) || signed(a) - signed(b));
}
