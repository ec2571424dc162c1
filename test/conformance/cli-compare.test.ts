import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { SCHEMA } from '../../lib/conformance/report/report.js';
import { command } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';
import { scratch } from '../helpers/scratch.js';
import { changed, report, type Changes } from './fixtures.js';

const PATIENCE = { timeout: limit(60_000) };

async function run(...args: readonly string[]) {
  const { stdout, stderr, exitCode } = await execa('node', [command(), ...args], { reject: false });
  return { stdout, stderr, exitCode };
}

function written(name: string, changes: Changes = {}): string {
  const file = join(scratch(), name);
  writeFileSync(file, JSON.stringify(report(changes)));
  return file;
}

const old: Changes = {
  release: '5.10.1',
  outcomes: changed('race', { observations: ['E: wait = killed by SIGKILL'] }),
};

describe('linux-ptrace compare', PATIENCE, () => {
  it('of one report with itself: nothing differs', async () => {
    const file = written('a.json');
    const { stdout, stderr, exitCode } = await run('compare', file, file);
    expect([stderr, exitCode]).toEqual(['', 0]);
    expect(stdout).toMatch(/\n4 behaviours, none differs$/);
  });

  it('says what differs, and ends with 1', async () => {
    const { stdout, exitCode } = await run('compare', written('a.json'), written('b.json', old));
    expect(exitCode).toBe(1);
    expect(stdout).toContain('! E: wait = exited 0  E: wait = killed by SIGKILL');
    expect(stdout).toMatch(/\n1 of 4 behaviours differs: 1 only in observation$/);
  });

  it('may look at verdicts only', async () => {
    const { stdout, exitCode } = await run('compare', '--verdicts', written('a.json'), written('b.json', old));
    expect(exitCode).toBe(0);
    expect(stdout).toContain('1 only in observation');
  });

  it.each([
    ['out.html', /^<!doctype html>/],
    ['out.md', /^### ptrace, compared\n/],
    ['out.json', /^\{\n {2}"schema": "linux-ptrace\/comparison\/1"/],
    ['out.txt', /^A {2}Linux 6\.18\.0 x86_64/],
  ])('writes %s, and the last line to the terminal', async (name, content) => {
    const out = join(scratch(), name);
    const { stdout, exitCode } = await run('compare', written('a.json'), written('b.json', old), '--out', out);
    expect([stdout, exitCode]).toEqual(['1 of 4 behaviours differs: 1 only in observation', 1]);
    expect(readFileSync(out, 'utf8')).toMatch(content);
  });

  it.each<[string, string, string]>([
    ['foreign JSON', '{"results":[]}', `FILE is no report of linux-ptrace conform (its schema is not ${SCHEMA})`],
    ['a list', '[]', `FILE is no report of linux-ptrace conform (its schema is not ${SCHEMA})`],
    [
      'another schema',
      '{"schema":"linux-ptrace/conformance/9"}',
      `FILE has the schema linux-ptrace/conformance/9; this version reads ${SCHEMA}`,
    ],
    ['half of it', JSON.stringify(report()).slice(0, 500), 'FILE is not JSON'],
    ['nothing', '', 'FILE is empty'],
  ])('refuses %s', async (_what, text, message) => {
    const bad = join(scratch(), 'bad.json');
    writeFileSync(bad, text);
    const { stdout, stderr, exitCode } = await run('compare', written('a.json'), bad);
    expect([stdout, stderr, exitCode]).toEqual(['', `linux-ptrace: ${message.replace('FILE', bad)}`, 2]);
  });

  it.each<[string[], RegExp]>([
    [[], /^missing required argument 'report'/],
    [['/no/such.json', '/no/such.json'], /^\/no\/such\.json cannot be read: no such file or directory$/],
    [['/', '/'], /^\/ cannot be read: is a directory$/],
    [['a.json', 'b.json', '--format', 'tap'], /Allowed choices are table, md, json, html\.$/],
  ])('compare %j: one sentence and exit code 2', async (args, sentence) => {
    const { stdout, stderr, exitCode } = await run('compare', ...args);
    expect([stdout, exitCode, stderr.split('\n').length]).toEqual(['', 2, 1]);
    expect(stderr.replace(/^linux-ptrace: /, '')).toMatch(sentence);
  });

  it('wants two reports, and a place for its own that can be written', async () => {
    const file = written('a.json');
    expect(await run('compare', file)).toEqual({
      stdout: '',
      stderr: 'linux-ptrace: there is nothing to compare one report with: give two or more',
      exitCode: 2,
    });
    expect(await run('compare', file, file, '--out', '/no/such/x.md')).toEqual({
      stdout: '',
      stderr: 'linux-ptrace: cannot write /no/such/x.md: no such file or directory',
      exitCode: 2,
    });
  });
});

describe('linux-ptrace explain', PATIENCE, () => {
  it('tells the rule, its source, what is right, and what this kernel does', async () => {
    const { stdout, stderr, exitCode } = await run('explain', 'interrupt-status');
    expect([stderr, exitCode]).toEqual(['', 0]);
    expect(stdout).toMatch(/^interrupt-status: INTERRUPT of a running seized tracee/);
    expect(stdout).toContain('git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/commit/?id=fca26f260c52');
    expect(stdout).toMatch(/\nexpected\n {4}E: SEIZE = 0\n/);
    expect(stdout).toMatch(/\nLinux \S+: pass\n {4}E: SEIZE = 0\n/);
  });

  it('need not play it', async () => {
    const { stdout, exitCode } = await run('explain', 'interrupt-status', '--no-run');
    expect(exitCode).toBe(0);
    expect(stdout).not.toMatch(/^Linux \S+:/m);
  });

  it.each([
    ['interupt-status', /^linux-ptrace: there is no scenario 'interupt-status': did you mean interrupt-status/],
    ['§§§§', /^linux-ptrace: there is no scenario '§§§§': conform --list shows all$/],
  ])('%s: suggests others', async (id, sentence) => {
    const { stdout, stderr, exitCode } = await run('explain', id);
    expect([stdout, exitCode]).toEqual(['', 2]);
    expect(stderr).toMatch(sentence);
  });
});
