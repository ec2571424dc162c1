/**
 * The folder in which a run finds its programs: the C ones compiled, our cases as plain JavaScript beside a link to the package, so that
 * node runs them as it runs a user's program, with no loader of ours in the process.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));

export interface Workshop {
  /** Path of a case's JavaScript. */
  readonly case: (name: string) => string;
  /** Path of a C program of bench/, or why there is none. */
  readonly program: (name: 'tracee' | 'tracer') => string;
  /** Why there are no C programs; undefined when there are. */
  readonly noPrograms: string | undefined;
  readonly compiler: string | undefined;
  remove(): void;
}

/** The first C compiler that answers; CC says which one to take. */
function findCompiler(): string | undefined {
  const wanted = process.env['CC'];
  const names = wanted !== undefined && wanted !== '' ? [wanted] : ['gcc', 'cc', 'clang'];
  return names.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
}

function compile(compiler: string, name: string, folder: string): string | undefined {
  const args = ['-O2', '-pthread', '-o', join(folder, name), join(here, `${name}.c`)];
  const { status, stderr, error } = spawnSync(compiler, args, { encoding: 'utf8' });
  if (status === 0) return undefined;
  return `${compiler} cannot compile ${name}.c: ${error?.message ?? stderr.trim().split('\n')[0] ?? ''}`;
}

function translateCases(folder: string): void {
  const cases = join(folder, 'cases');
  mkdirSync(cases);
  for (const file of readdirSync(join(here, 'cases')).filter((name) => name.endsWith('.ts'))) {
    const { outputText } = ts.transpileModule(readFileSync(join(here, 'cases', file), 'utf8'), {
      compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
    });
    writeFileSync(join(cases, file.replace(/\.ts$/, '.js')), outputText);
  }
}

export function openWorkshop(): Workshop {
  const folder = mkdtempSync(join(tmpdir(), 'linux-ptrace-bench-'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'linux-ptrace'));
  translateCases(folder);
  const compiler = findCompiler();
  const noPrograms =
    compiler === undefined
      ? 'there is no C compiler (gcc, cc, clang or $CC)'
      : (compile(compiler, 'tracee', folder) ?? compile(compiler, 'tracer', folder));
  return {
    case: (name) => join(folder, 'cases', `${name}.js`),
    program: (name) => join(folder, name),
    noPrograms,
    compiler,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
