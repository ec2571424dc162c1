// The programs of a 32-bit ABI that some scenarios trace, from fixtures/. Only Node's own modules are used here: this file also runs in an
// installed package.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { arch as host, env } from 'node:process';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** By name: the architecture whose kernels run it, its files in fixtures/, its compiler, and Debian's package of that. */
export const PROGRAMS = {
  i386: {
    arch: 'x64',
    sources: ['i386.c', 'tracee32.h'],
    // As make has it, CC may hold options.
    compiler: host === 'x64' ? (env.CC || 'cc').trim().split(/\s+/) : ['x86_64-linux-gnu-gcc'],
    flags: ['-m32'],
    install: host === 'x64' ? 'gcc' : 'gcc-x86-64-linux-gnu',
  },
  arm32: {
    arch: 'arm64',
    sources: ['arm32.c', 'tracee32.h'],
    compiler: ['arm-linux-gnueabihf-gcc'],
    // Kernels with larger pages run it too.
    flags: ['-marm', '-Wl,-z,max-page-size=0x10000'],
    install: 'gcc-arm-linux-gnueabihf',
  },
};

// Freestanding: the compiler needs neither headers nor libraries of that ABI.
const FLAGS = [
  ...['-O2', '-Wall', '-Wextra', '-ffreestanding', '-fno-pie', '-fno-stack-protector'],
  ...['-fno-unwind-tables', '-fno-asynchronous-unwind-tables', '-nostdlib', '-static', '-no-pie', '-s'],
  ...['-Wl,--build-id=none', '-Wl,-z,noexecstack'],
];

/** The program that an architecture's kernels run beside their own. */
export const programOf = (arch) => Object.keys(PROGRAMS).find((name) => PROGRAMS[name].arch === arch);

/**
 * Builds a program in a folder, when it is missing there or older than its source. Returns why it is not there, or undefined: without it these
 * scenarios are skipped.
 */
export function buildProgram(name, folder = join(root, 'build', 'fixtures')) {
  const { compiler, flags, install } = PROGRAMS[name];
  const program = join(folder, name);
  const sources = PROGRAMS[name].sources.map((file) => join(root, 'fixtures', file));
  if (!sources.every((file) => existsSync(file))) return 'its source is missing';
  const newer = (file) => statSync(file).mtimeMs > statSync(program).mtimeMs;
  if (existsSync(program) && !sources.some(newer)) return undefined;
  mkdirSync(folder, { recursive: true });
  const [command, ...options] = compiler;
  const args = [...options, ...flags, ...FLAGS, '-o', program, sources[0]];
  const { error, status, stderr } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (error?.code === 'ENOENT') return `there is no ${command} (Debian: apt-get install ${install})`;
  if (error) return error.message;
  if (status === 0) return undefined;
  const why = stderr.split('\n').find((line) => line.includes('error')) ?? `it ended with code ${status}`;
  return `${command} does not build it: ${why}`;
}
