import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { requireBuild, root } from '../helpers/dist.js';

const entries = ['linux-ptrace', 'linux-ptrace/raw', 'linux-ptrace/kernel'];
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

describe('the entries of the package', () => {
  requireBuild();

  it.each(entries)('import %s', async (entry) => {
    const code = `console.log(Object.keys(await import('${entry}')).length > 0)`;
    const { stdout } = await execa(process.execPath, ['--input-type=module', '--eval', code], { cwd: root });
    expect(stdout).toBe('true');
  });

  it.skipIf(!process.features.require_module).each(entries)(
    'require %s (skipped where Node has no require(esm))',
    async (entry) => {
      const code = `console.log(Object.keys(require('${entry}')).length > 0)`;
      const { stdout } = await execa(process.execPath, ['--input-type=commonjs', '--eval', code], { cwd: root });
      expect(stdout).toBe('true');
    },
  );

  it('show package.json and nothing else', async () => {
    const code = `
      console.log(require('linux-ptrace/package.json').version);
      try { require.resolve('linux-ptrace/dist/binding.js') } catch (error) { console.log(error.code) }`;
    const { stdout } = await execa(process.execPath, ['--input-type=commonjs', '--eval', code], { cwd: root });
    expect(stdout.split('\n')).toEqual([manifest.version, 'ERR_PACKAGE_PATH_NOT_EXPORTED']);
  });

  it('importing leaves the process free to end: no thread, handle or signal handler', async () => {
    const code = `
      const before = process.listenerCount('SIGCHLD');
      await import('linux-ptrace');
      console.log(process.getActiveResourcesInfo().filter((name) => !/Pipe|TTY|FS|CloseReq/.test(name)).join(), process.listenerCount('SIGCHLD') - before);`;
    const { stdout } = await execa(process.execPath, ['--input-type=module', '--eval', code], { cwd: root });
    expect(stdout).toBe(' 0');
  });
});
