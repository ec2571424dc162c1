import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { report, type Changes } from '../conformance/fixtures.js';
import { changed } from '../conformance/fixtures.js';
import { command } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';
import { scratch } from '../helpers/scratch.js';

const PATIENCE = { timeout: limit(60_000) };

async function run(...args: readonly string[]) {
  const { stdout, stderr, exitCode } = await execa('node', [command(), 'vm', ...args], { reject: false });
  return { stdout, stderr, exitCode };
}

function written(changes: Changes = {}, arch: 'x64' | 'arm64' = 'x64'): string {
  const file = join(scratch(), 'report.json');
  writeFileSync(file, JSON.stringify({ ...report(changes), arch }));
  return file;
}

describe('linux-ptrace vm check', PATIENCE, () => {
  it('of what is known: nothing is unexplained', async () => {
    const { stdout, stderr, exitCode } = await run('check', written(), written({ release: '6.18.99' }));
    expect({ stdout, stderr, exitCode }).toEqual({
      stdout: '4 behaviours as known, 0 unexplained',
      stderr: '',
      exitCode: 0,
    });
  });

  it('shows what nothing explains, and ends with 1', async () => {
    const file = written({ outcomes: changed('seize-no-trap', { verdict: 'fail', observations: ['E: SEIZE = EIO'] }) });
    const { stdout, exitCode } = await run('check', written(), file);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('seize-no-trap: pass is known, now it is fail\n  - E: SEIZE = 0\n');
    const json = await run('check', written(), file, '--json');
    expect(json.exitCode).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ same: 3, unexplained: [{ id: 'seize-no-trap' }], notPlayed: [] });
  });

  it('refuses a report of another architecture, of which everything would be news', async () => {
    const { stdout, stderr, exitCode } = await run('check', written(), written({}, 'arm64'));
    expect([stdout, exitCode]).toEqual(['', 2]);
    expect(stderr).toMatch(
      /^linux-ptrace: .*report\.json is of arm64, and .*report\.json is of x64: there is nothing to check$/,
    );
  });

  it('refuses what is no kernel and no report', async () => {
    const { stderr, exitCode } = await run('check', '1.0-x64', written());
    expect({ stderr, exitCode }).toEqual({
      stderr: 'linux-ptrace: 1.0-x64 cannot be read: no such file or directory',
      exitCode: 2,
    });
  });
});

describe('linux-ptrace vm matrix', PATIENCE, () => {
  it('refuses kernels that there are not, before it makes anything', async () => {
    const { stdout, stderr, exitCode } = await run('matrix', '--kernels', '6.12-x46', '--out', join(scratch(), 'new'));
    expect([stdout, exitCode]).toEqual(['', 2]);
    expect(stderr).toMatch(
      /^linux-ptrace: there is no kernel '6\.12-x46' \(6\.12-x64, .*\?\); linux-ptrace vm kernels lists them/,
    );
  });

  it('says once and first what every kernel would fail of: no QEMU, no such Node', async () => {
    const out = join(scratch(), 'new');
    const empty = scratch();
    const without = await execa(process.execPath, [command(), 'vm', 'matrix', '--out', out], {
      reject: false,
      env: { PATH: empty, LINUX_PTRACE_CACHE: empty },
    });
    expect([without.stdout, without.exitCode]).toEqual(['', 4]);
    expect(without.stderr).toMatch(/^linux-ptrace: qemu-system-\S+ is not in PATH\. Install .*$/);
    const { stdout, stderr, exitCode } = await run('matrix', '--node', 'banana', '--out', out);
    expect([stdout, exitCode]).toEqual(['', 2]);
    expect(stderr).toMatch(/^linux-ptrace: 'banana' is no version of Node; .*$/);
    expect(existsSync(out)).toBe(false);
  });

  it.each([
    ['--jobs', '0'],
    ['--time-scale', 'much'],
    ['--set', 'some'],
  ])('refuses %s %s', async (...option) => {
    const { stderr, exitCode } = await run('matrix', ...option);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(option[0]);
  });
});
