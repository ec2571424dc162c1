import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { root } from './helpers/dist.js';

/**
 * The house from the ground up. A file imports from its own room and from the floors below; rooms on one floor do not know
 * each other.
 */
const floors: readonly (readonly string[])[] = [
  ['kernel/'],
  ['errors.ts'],
  ['arguments.ts', 'proc.ts', 'time-scale.ts', 'whole-file.ts'],
  ['binding.ts'],
  ['raw/'],
  ['tracer/'],
  ['access/', 'engine/', 'probe/', 'series/'],
  ['conformance/'],
  ['vm/'],
  ['index.ts', 'cli/'],
];

/**
 * Registers and instructions of x86: outside arch/x64 they would make a file wrong on every other machine. Names of ABIs
 * ('x32') and of requests (PTRACE_ARCH_PRCTL) are not among them: they say of themselves what they are for.
 */
const x86 = /^(orig_)?[re](ax|bx|cx|dx|si|di|bp|sp|ip)$|^[re]flags$|^[fg]s_base$|^u_debugreg$|^dr[0-7]$|^int_?3$/i;

const lib = join(root, 'lib');

function sources(): string[] {
  return readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
}

/** Floor and room of a file of lib/, its path relative to lib/. */
function place(file: string): { floor: number; room: string } | undefined {
  for (const [floor, rooms] of floors.entries()) {
    const room = rooms.find((name) => (name.endsWith('/') ? file.startsWith(name) : file === name));
    if (room !== undefined) return { floor, room };
  }
  return undefined;
}

/** What a file imports, exports from, or names in import() and import types. */
function imports(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}

/** What a file needs when it is loaded: what it imports and exports from, types left out. */
function needed(text: string): string[] {
  const options = { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext };
  return imports(ts.transpileModule(text, { compilerOptions: options }).outputText);
}

/** The words of a file's code, comments left out, with those inside strings. */
function words(text: string): string[] {
  const source = ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) found.push(node.text);
    else if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      found.push(...node.text.split(/[^A-Za-z0-9_]+/));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

describe('the floors of lib/', () => {
  const files = sources();

  it('there are files to look at', () => {
    expect(files.length).toBeGreaterThan(0);
  });

  it('every file has its floor', () => {
    expect(files.filter((file) => place(file) === undefined)).toEqual([]);
  });

  it('nothing imports upwards or sideways', () => {
    const wrong: string[] = [];
    for (const file of files) {
      const from = place(file);
      if (from === undefined) continue;
      for (const name of imports(readFileSync(join(lib, file), 'utf8'))) {
        if (!name.startsWith('.')) {
          if (name.startsWith('linux-ptrace')) wrong.push(`${file} imports its own package by name`);
          continue;
        }
        const target = relative(lib, resolve(lib, dirname(file), name)).replace(/\.js$/, '.ts');
        const to = place(target);
        if (to === undefined) wrong.push(`${file} imports ${target}, which has no floor`);
        else if (to.floor > from.floor || (to.floor === from.floor && to.room !== from.room)) {
          wrong.push(`${file} imports ${target}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('no file of the engines needs itself', () => {
    const needs = new Map(
      files
        .filter((file) => file.startsWith('engine/'))
        .map((file) => [
          file,
          needed(readFileSync(join(lib, file), 'utf8'))
            .filter((name) => name.startsWith('.'))
            .map((name) => relative(lib, resolve(lib, dirname(file), name)).replace(/\.js$/, '.ts')),
        ]),
    );
    const reach = (file: string, seen = new Set<string>()): ReadonlySet<string> => {
      for (const next of needs.get(file) ?? []) {
        if (seen.has(next)) continue;
        seen.add(next);
        reach(next, seen);
      }
      return seen;
    };
    expect([...needs.keys()].filter((file) => reach(file).has(file))).toEqual([]);
  });

  it('the kernel floor does no input or output', () => {
    const wrong = files
      .filter((file) => file.startsWith('kernel/'))
      .flatMap((file) =>
        imports(readFileSync(join(lib, file), 'utf8'))
          .filter((name) => !name.startsWith('.'))
          .map((name) => `${file} imports ${name}`),
      );
    expect(wrong).toEqual([]);
  });

  it('no word of x86 stands outside arch/x64', () => {
    const wrong: string[] = [];
    for (const file of files) {
      // What the suite covers is told by the names of behaviours, those of x86 among them.
      if (file.includes('arch/x64/') || file.startsWith('conformance/coverage/')) continue;
      const text = readFileSync(join(lib, file), 'utf8');
      const bad = words(text).filter((word) => x86.test(word));
      if (bad.length > 0) wrong.push(`${file}: ${[...new Set(bad)].join(', ')}`);
    }
    expect(wrong).toEqual([]);
  });
});
