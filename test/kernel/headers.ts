import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const compiler = ['cc', 'gcc', 'clang'].find(
  (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
);

/** Why the machine's headers cannot be asked, or undefined when they can. */
export const noHeaders: string | undefined =
  process.platform !== 'linux' ? 'not Linux' : compiler === undefined ? 'no C compiler' : undefined;

if (noHeaders !== undefined) console.log(`comparisons with the machine's headers are skipped: ${noHeaders}`);

/** Compile and run a C program; answers with the lines it prints. */
export function runC(source: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'linux-ptrace-headers-'));
  try {
    writeFileSync(join(folder, 'program.c'), source);
    execFileSync(compiler ?? 'cc', ['-w', '-o', join(folder, 'program'), join(folder, 'program.c')]);
    return execFileSync(join(folder, 'program'), { encoding: 'utf8' }).split('\n').filter(Boolean);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Integer expressions as the machine's headers have them.
 *
 * @param includes headers, such as `linux/ptrace.h`
 * @param expressions C expressions by a name of the caller's; an expression that is one identifier is left out when no
 * header defines that macro
 */
export function cValues(
  includes: readonly string[],
  expressions: Readonly<Record<string, string>>,
): ReadonlyMap<string, bigint> {
  const lines = Object.entries(expressions).map(([name, expression]) => {
    const print = `printf("%s %lld\\n", "${name}", (long long)(${expression}));`;
    return /^\w+$/.test(expression) ? `#ifdef ${expression}\n${print}\n#endif` : print;
  });
  const source = [
    '#define _GNU_SOURCE',
    '#include <stdio.h>',
    '#include <stddef.h>',
    ...includes.map((include) => `#include <${include}>`),
    'int main(void) {',
    ...lines,
    '}',
  ].join('\n');
  return new Map(
    runC(source).map((line) => {
      const [name, value] = line.split(' ');
      return [name ?? '', BigInt(value ?? '')];
    }),
  );
}

/**
 * The constants of a table as the headers have them, in the table's own form: what the headers lack is left out on both
 * sides.
 */
export function compareWithHeaders(
  includes: readonly string[],
  prefix: string,
  table: Readonly<Record<string, number>>,
): { ours: Record<string, bigint>; theirs: Record<string, bigint> } {
  const values = cValues(includes, Object.fromEntries(Object.keys(table).map((name) => [name, prefix + name])));
  return {
    ours: Object.fromEntries([...values.keys()].map((name) => [name, BigInt(table[name] ?? NaN)])),
    theirs: Object.fromEntries(values),
  };
}
