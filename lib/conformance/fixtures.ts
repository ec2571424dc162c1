/** Programs of another ABI, which no script can play: built beside the addon where the compiler can (fixtures/). */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where it may be: built here, or shipped beside the addon. */
const I386 = ['build/fixtures/i386', 'prebuilds/linux-x64/i386'].map((path) =>
  fileURLToPath(new URL(`../../${path}`, import.meta.url)),
);

/** The i386 tracee (fixtures/i386.c), or why it is not there. */
export function i386Program(): { readonly path: string } | { readonly missing: string } {
  if (process.arch !== 'x64') return { missing: 'only x86-64 runs i386 programs' };
  const path = I386.find((each) => existsSync(each));
  if (path === undefined) return { missing: 'the i386 program was not built: the compiler has no -m32' };
  return { path };
}
