/** The command as users run it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { parseReport } from '../../lib/conformance/report/read-report.js';
import type { ScenarioReport } from '../../lib/conformance/report/report.js';
import { command, root } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';
import { scratch } from '../helpers/scratch.js';
import { marked, carriers, remains } from '../series/remains.js';

const PATIENCE = { timeout: limit(60_000) };

async function conform(...args: readonly string[]) {
  const { stdout, stderr, exitCode } = await execa('node', [command(), 'conform', ...args], { reject: false });
  return { stdout, stderr, exitCode };
}

describe('linux-ptrace conform', PATIENCE, () => {
  it('plays what is asked for, and says what has become of it', async () => {
    const { stdout, stderr, exitCode } = await conform('--filter', 'interrupt-status', 'interrupt-collapses');
    expect([stderr, exitCode]).toEqual(['', 0]);
    expect(stdout).toMatch(/^Linux \S+ \S+/);
    expect(stdout).toMatch(/^pass {6}interrupt-status {2}[\d.]+ ms$/m);
    expect(stdout).toMatch(/^kernel commits +2 +0 +0 +0$/m);
    expect(stdout).toMatch(/\n2 scenarios: 2 pass \([\d.]+ s\)$/);
    expect(stdout).not.toContain('\u001b');
  });

  it('plays scenarios of a module of the user', async () => {
    const module = join(root, 'test/conformance/misbehaving.mjs');
    const good = await conform('--load', module, '--filter', 'good', 'recorded');
    expect([good.stderr, good.exitCode]).toEqual(['', 0]);
    expect(good.stdout).toContain('2 scenarios: 1 pass, 1 recorded');
    const wrong = await conform('--load', module, '--filter', 'wrong');
    expect(wrong.exitCode).toBe(1);
    expect(wrong.stdout).toContain('E: SEIZE = EPERM');
    for (const path of ['/nonexistent.mjs', join(root, 'package.json'), join(root, 'eslint.config.js')]) {
      const { stdout, stderr, exitCode } = await conform('--load', path);
      expect([stdout, exitCode], stderr).toEqual(['', 2]);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
  });

  it('says what each observed', async () => {
    const { stdout } = await conform('--filter', 'interrupt-status', '--lines');
    expect(stdout).toContain('    E: wait = event STOP SIGTRAP');
  });

  it('writes several reports from one run', async () => {
    const folder = scratch();
    const file = (name: string): string => join(folder, name);
    const { stdout, exitCode } = await conform(
      ...['--filter', 'interrupt-*', '--repeat', '3', '--shuffle', '7', '--isolate', '--jobs', '2'],
      ...['--format', 'json', '--out', file('a'), '--out', file('b.xml'), '--format', 'tap', '--out', file('c')],
    );
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/, 3 runs each, --shuffle 7\)$/);
    const report = parseReport(readFileSync(file('a'), 'utf8'), 'a');
    const { stdout: list } = await conform('--filter', 'interrupt-*', '--list', '--format', 'json');
    const ids = (scenarios: readonly { id: string }[]): string[] => scenarios.map(({ id }) => id);
    expect(ids(report.scenarios)).toEqual(ids(JSON.parse(list) as ScenarioReport[]));
    expect(report.scenarios.every(({ runs }) => runs?.count === 3)).toBe(true);
    expect([report.shuffle, report.interrupted, report.planned]).toEqual([7, false, report.scenarios.length]);
    expect(readFileSync(file('b.xml'), 'utf8')).toMatch(/^<\?xml /);
    expect(readFileSync(file('c'), 'utf8')).toMatch(/^TAP version 14\n/);
    expect(readdirSync(folder).sort()).toEqual(['a', 'b.xml', 'c']);
  });

  it('lists, and prints its schema', async () => {
    const { stdout } = await conform('--list', '--source', 'fca26f260c52', '--tag', 'seize');
    expect(stdout).toMatch(/^interrupt-status +INTERRUPT of a running seized tracee/m);
    const schema = JSON.parse((await conform('--schema')).stdout) as { $id: string };
    expect(schema.$id).toBe('urn:linux-ptrace:conformance:1');
  });

  it.each<[string[], string | RegExp]>([
    [['--filter', 'no-such-*'], "no scenario is called 'no-such-*'; --list shows all"],
    [['--except', 'no-such-*'], "no scenario is called 'no-such-*'; --list shows all"],
    [['--tag', 'sieze'], /^no scenario has the tag 'sieze'; there are /],
    [['--source', 'windows'], /^no scenario comes from 'windows'; there are commit, /],
    [['--arch', 'vax'], "nothing is known of the architecture 'vax'; there are x64, arm64"],
    [['--set', 'most'], "there is no set 'most'; there are scenarios, matrix, all"],
    [['--format', 'yaml'], "there is no format 'yaml'; there are pretty, json, tap, ktap, junit, kcidb, html, md"],
    [
      ['--format', 'json', '--format', 'tap'],
      'only one format can go to the standard output: give --out FILE for json or tap',
    ],
    [['--format', 'json', '--out', '/tmp/x', '--format', 'md', '--out', '/tmp/x'], 'two formats would go to one file'],
    [['--out', 'report'], '--out report has no --format, and its name does not tell one'],
    [['--out', '/no/such/folder/report.json'], 'cannot write /no/such/folder/report.json: no such file or directory'],
    [['--format', 'json', '--out', root], /^cannot write .*: it is a folder$/],
    [['--list', '--format', 'tap'], '--list has the formats pretty and json, not tap'],
    [['--jobs', 'many'], "option '--jobs <n>' argument 'many' is invalid. Want a number of 1 to 64."],
    [['--repeat', '0'], "option '--repeat <n>' argument '0' is invalid. Want a number of 1 to 100000."],
    [['--shuffle', '-1'], /Want a number of 0 to 4294967295\.$/],
    [['--kcidb-origin', 'My CI'], /Want small letters, digits and _\.$/],
    [['interrupt-status'], /^too many arguments for 'conform'/],
  ])('%j: one sentence and exit code 2', async (args, sentence) => {
    const { stdout, stderr, exitCode } = await conform(...args);
    expect([stdout, exitCode]).toEqual(['', 2]);
    expect(stderr.split('\n')).toHaveLength(1);
    const said = stderr.replace(/^linux-ptrace: /, '');
    if (typeof sentence === 'string') expect(said).toBe(sentence);
    else expect(said).toMatch(sentence);
  });

  it.skipIf(!existsSync('/dev/full'))('says that the disk is full', async () => {
    const some = ['--filter', 'interrupt-status'];
    const toFile = await conform(...some, '--format', 'json', '--out', '/dev/full');
    expect([toFile.stderr, toFile.exitCode]).toEqual(['linux-ptrace: cannot write /dev/full: no space left', 1]);
    expect(toFile.stdout).toContain('1 scenario: 1 pass');
    const toOutput = await execa('sh', ['-c', '"$0" "$@" > /dev/full', 'node', command(), 'conform', ...some], {
      reject: false,
    });
    expect(toOutput.stderr).toMatch(/^linux-ptrace: cannot write the output: ENOSPC/);
    expect([toOutput.exitCode, toOutput.stderr.split('\n').length]).toEqual([1, 1]);
  });

  it.skipIf(process.geteuid?.() !== 0)(
    'finds out before the run that it may not write (needs root to be somebody else)',
    async () => {
      const file = join(scratch(), 'report.json');
      writeFileSync(file, 'before', { mode: 0o444 });
      // The superuser may write everything; without its capabilities it may not.
      const { stderr, exitCode } = await execa(
        'setpriv',
        [
          '--bounding-set=-all',
          '--inh-caps=-all',
          'node',
          command(),
          'conform',
          '--filter',
          'interrupt-status',
          '--out',
          file,
        ],
        { reject: false },
      );
      expect([stderr, exitCode]).toEqual([`linux-ptrace: cannot write ${file}: access denied`, 2]);
      expect(readFileSync(file, 'utf8')).toBe('before');
    },
  );
});

describe('a signal in the middle', PATIENCE, () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('%s: a partial report, and nothing left', async (signal) => {
    const folder = scratch();
    const file = join(folder, 'report.json');
    const mark = `conform-${signal}`;
    const child = spawn('node', [command(), 'conform', '--repeat', '20', '--out', file], {
      env: marked(mark),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
    }
    const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    const end = Date.now() + limit(20_000);
    // Some scenarios have come and gone when so many processes have been seen.
    const seen = new Set<string>();
    while (seen.size < 30 && Date.now() < end) {
      for (const carrier of carriers(mark)) seen.add(carrier.split(' ', 1).join());
      await delay(5);
    }
    child.kill(signal);
    expect(await closed).toEqual([null, signal]);
    expect(output.stderr).toBe('');
    expect(output.stdout).toMatch(/\ninterrupted after \d+ of \d+ scenarios/);
    const report = parseReport(readFileSync(file, 'utf8'), file);
    expect(report.interrupted).toBe(true);
    expect(report.scenarios.length).toBeGreaterThan(0);
    expect(readdirSync(folder)).toEqual(['report.json']);
    expect(await remains(mark)).toEqual([]);
  });
});
