import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { root } from '../helpers/dist.js';

const SECTION = '.text.linux_ptrace_child';

/** Runs a tool of binutils on the object file of a native source; skips the test where either is missing. */
function inspect(context: TestContext, source: string, tool: string, args: readonly string[]): string {
  const file = join(root, 'build/Release/obj.target/linux_ptrace/native', `${source}.o`);
  if (!existsSync(file)) context.skip(`${source}.o is missing: the addon was not built here`);
  const { error, stdout } = spawnSync(tool, [...args, file], { encoding: 'utf8' });
  if (error !== undefined) context.skip(`${tool} is not installed`);
  return stdout;
}

/** What the code in the children's section refers to outside of it. */
function references(context: TestContext, source: string): string[] {
  const [, relocations = ''] = inspect(context, source, 'readelf', ['-rW']).split(`'.rela${SECTION}'`);
  const lines = relocations.split('\nRelocation section')[0]?.split('\n').slice(2) ?? [];
  return lines.flatMap((line) => line.trim().split(/\s+/)[4] ?? []).filter((name) => name !== SECTION);
}

describe('code that runs between clone and exec', () => {
  it('on the memory of this process calls nothing and reads no global', (context) => {
    expect(references(context, 'spawn').filter((name) => !name.startsWith('.rodata'))).toEqual([]);
  });

  it('of a script calls nothing but itself', (context) => {
    // Out-of-line atomics of aarch64 are linked statically and keep no state.
    const own = /^(\.rodata.*|linux_ptrace_script_\w+|__aarch64_(cas|ldadd|swp)\w+)$/;
    expect(references(context, 'script').filter((name) => !own.test(name))).toEqual([]);
  });

  for (const source of ['spawn', 'script']) {
    it(`in ${source}.cc touches no thread-local storage`, (context) => {
      const code = inspect(context, source, 'objdump', ['-d', '-j', SECTION]);
      expect(code).toMatch(/syscall|svc/);
      expect(code).not.toMatch(/%[fg]s:|tpidr_el0/);
    });
  }
});
