/** Programs of another ABI, which no script can play: built beside the addon where the compiler can (fixtures/). */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const I386 = fileURLToPath(new URL('../../build/fixtures/i386', import.meta.url));

/** The i386 tracee (fixtures/i386.c), or why it is not there. */
export function i386Program(): { readonly path: string } | { readonly missing: string } {
  if (process.arch !== 'x64') return { missing: 'only x86-64 runs i386 programs' };
  if (!existsSync(I386)) return { missing: 'the i386 program was not built: the compiler has no -m32' };
  return { path: I386 };
}
