/** This package, as the guest gets it: what it runs from, with the addon of the guest's architecture. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { arch as hostArch } from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Entry } from './cpio.js';
import { VmError } from './failure.js';
import type { GuestArch } from './guest-arch.js';
import { GUEST } from './guest-init.js';

/** The folder of this package. */
export const packageFolder = fileURLToPath(new URL('../../', import.meta.url));

/** What the command needs at run time. */
const DEPENDENCIES = ['commander', 'node-gyp-build'] as const;

const inGuest = (...path: string[]): string => join(GUEST.package, ...path).slice(1);

/** The files below a folder that a guest has a use for. */
function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => !/\.d\.[cm]?ts$|\.map$|\.tsbuildinfo$|\.md$/.test(file) && statSync(file).isFile());
}

const copies = (folder: string, to: string): Entry[] =>
  files(folder).map((file) => ({
    kind: 'copy',
    path: inGuest(to, relative(folder, file)),
    file,
    mode: statSync(file).mode & 0o777,
  }));

/** The folder of a dependency, wherever npm has put it. */
function dependency(name: string): string {
  const require = createRequire(join(packageFolder, 'package.json'));
  let folder = dirname(require.resolve(name));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

/** Addon and programs of an architecture: as npm ships them, or as they were built here. */
function binaries(arch: GuestArch): Entry[] {
  const shipped = join(packageFolder, 'prebuilds', `linux-${arch}`);
  const built = join(packageFolder, 'build', 'Release', 'linux_ptrace.node');
  const entries: Entry[] = [];
  // One that was built here is newer than one that was brought.
  const addon =
    arch === hostArch && existsSync(built)
      ? built
      : existsSync(shipped)
        ? files(shipped).find((file) => file.endsWith('.node') && !file.includes('musl'))
        : undefined;
  if (addon === undefined) {
    throw new VmError(
      'missing-tool',
      `there is no addon for linux-${arch} in this package: a clone of the repository makes it with "npm run prebuild"`,
    );
  }
  entries.push({ kind: 'copy', path: inGuest('build', 'Release', 'linux_ptrace.node'), file: addon, mode: 0o755 });
  const fixtures = join(packageFolder, 'build', 'fixtures');
  const programs = new Map<string, string>();
  if (existsSync(shipped)) {
    for (const file of files(shipped)) if (!file.endsWith('.node')) programs.set(relative(shipped, file), file);
  }
  if (arch === hostArch && existsSync(fixtures)) {
    for (const file of files(fixtures)) programs.set(relative(fixtures, file), file);
  }
  for (const [name, file] of programs) {
    entries.push({ kind: 'copy', path: inGuest('prebuilds', `linux-${arch}`, name), file, mode: 0o755 });
  }
  return entries;
}

/**
 * The package for a guest, below {@link GUEST.package}, and the command in its PATH.
 *
 * @throws VmError 'missing-tool' when there is no addon for the architecture
 */
export function payload(arch: GuestArch): Entry[] {
  if (!existsSync(join(packageFolder, 'bundle', 'cli.js'))) {
    throw new VmError('missing-tool', 'the package is not built: run "npm run compile"');
  }
  return [
    { kind: 'copy', path: inGuest('package.json'), file: join(packageFolder, 'package.json'), mode: 0o644 },
    ...copies(join(packageFolder, 'dist'), 'dist'),
    ...copies(join(packageFolder, 'bundle'), 'bundle'),
    ...DEPENDENCIES.flatMap((name) => copies(dependency(name), join('node_modules', name))),
    ...binaries(arch),
    {
      kind: 'file',
      path: 'bin/linux-ptrace',
      mode: 0o755,
      content: `#!/bin/sh\nexec ${GUEST.node} ${GUEST.package}/bundle/cli.js "$@"\n`,
    },
  ];
}
