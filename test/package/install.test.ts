import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireBuild, root } from '../helpers/dist.js';

/** A copy of the package as npm would unpack it, without a binary, in a folder where nothing else can be found. */
let folder: string;

beforeAll(() => {
  requireBuild();
  folder = mkdtempSync(join(tmpdir(), 'linux-ptrace-install-'));
  for (const name of ['package.json', 'binding.gyp', 'bundle', 'dist', 'native', 'scripts']) {
    cpSync(join(root, name), join(folder, 'linux-ptrace', name), { recursive: true });
  }
  mkdirSync(join(folder, 'node_modules'));
  for (const name of ['node-addon-api', 'node-gyp-build', 'commander']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  symlinkSync(join(folder, 'linux-ptrace'), join(folder, 'node_modules', 'linux-ptrace'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs node in the copy, with nothing in PATH, on a machine that says of itself what `pretend` sets. */
async function node(args: string[], pretend: { platform?: string; arch?: string } = {}) {
  const preload = join(folder, 'pretend.mjs');
  writeFileSync(
    preload,
    Object.entries(pretend)
      .map(([key, value]) => `Object.defineProperty(process, '${key}', { value: '${value}' });`)
      .join('\n'),
  );
  return execa(process.execPath, ['--import', pathToFileURL(preload).href, ...args], {
    cwd: join(folder, 'linux-ptrace'),
    extendEnv: false,
    env: { PATH: join(folder, 'empty') },
    reject: false,
    all: true,
  });
}

/** Imports all entries, then uses the addon for the first time; prints how that failed. */
const firstUse = `
  const { PtraceError } = await import('linux-ptrace');
  await import('linux-ptrace/kernel');
  const raw = await import('linux-ptrace/raw');
  try {
    raw.pidfdOpen(process.pid, 0);
    console.log('worked');
  } catch (error) {
    console.log(JSON.stringify([error instanceof PtraceError, error.reason, error.message]));
  }
`;

describe.each([
  { where: 'Linux without a compiler', pretend: {}, says: /npm rebuild linux-ptrace/ },
  { where: 'macOS', pretend: { platform: 'darwin' }, says: /Linux/ },
  { where: 'Windows', pretend: { platform: 'win32' }, says: /Linux/ },
  { where: 'a processor without code for it', pretend: { arch: 's390x' }, says: /s390x/ },
])('on $where', ({ where, pretend, says }) => {
  it('the installation goes through and says so in one line', async () => {
    const { exitCode, stdout } = await node(['scripts/install.js'], pretend);
    expect(exitCode).toBe(0);
    const lines = stdout.split('\n').filter((line) => line.startsWith('linux-ptrace: '));
    expect(lines, stdout).toHaveLength(1);
    if (where.startsWith('Linux')) expect(lines[0]).toMatch(says);
  });

  it('the import works, and the first use throws a typed error that says what to do', async () => {
    const { all, exitCode } = await node(['--input-type=module', '--eval', firstUse], pretend);
    expect(exitCode, all).toBe(0);
    const [typed, reason, message] = JSON.parse(all) as [boolean, string, string];
    expect(typed).toBe(true);
    expect(reason).toBe('unavailable');
    expect(message).toMatch(says);
  });
});
