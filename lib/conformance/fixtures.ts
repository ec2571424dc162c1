/** Programs of another ABI, which no script can play: built beside the addon where the compiler can (fixtures/). */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where a program is, or why it is not there. */
export type Program = { readonly path: string } | { readonly missing: string };

/** Built here, or shipped beside the addon. */
function find(name: string, missing: string): Program {
  const path = [`build/fixtures/${name}`, `prebuilds/linux-${process.arch}/${name}`]
    .map((place) => fileURLToPath(new URL(`../../${place}`, import.meta.url)))
    .find((each) => existsSync(each));
  return path === undefined ? { missing } : { path };
}

/** The i386 tracee (fixtures/i386.c), or why it is not there. */
export function i386Program(): Program {
  if (process.arch !== 'x64') return { missing: 'only x86-64 runs i386 programs' };
  return find('i386', 'the i386 program was not built: the compiler has no -m32');
}

/** The AArch32 tracee (fixtures/arm32.c), or why it is not there. */
export function arm32Program(): Program {
  if (process.arch !== 'arm64') return { missing: 'only arm64 runs AArch32 programs' };
  return find('arm32', 'the arm32 program was not built: there is no arm-linux-gnueabihf-gcc');
}
