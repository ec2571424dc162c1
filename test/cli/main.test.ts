import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { command, root } from '../helpers/dist.js';

function run(...args: string[]): Promise<{ stdout: string; stderr: string; exitCode?: number | undefined }> {
  return execa('node', [command(), ...args], { reject: false });
}

const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string };

describe('linux-ptrace', () => {
  it('can be executed as it is', async () => {
    const { stdout } = await execa(command(), ['--version']);
    expect(stdout).toBe(manifest.version);
  });

  it('--help tells the subcommands', async () => {
    const { stdout, stderr, exitCode } = await run('--help');
    expect(stdout).toMatch(/^Usage: linux-ptrace /);
    expect(stdout).toMatch(/^ {2}series /m);
    expect(stdout).toMatch(/^ {2}probe /m);
    expect([stderr, exitCode]).toEqual(['', 0]);
  });

  it('series --help tells its options', async () => {
    const { stdout, exitCode } = await run('series', '--help');
    for (const word of ['seize', 'interrupt', 'notify', 'listen', 'jobctl', 'all', '--fast', '--stopped', '--json']) {
      expect(stdout).toContain(word);
    }
    expect(exitCode).toBe(0);
  });

  it('shows its help as an error when there is nothing to do', async () => {
    const { stdout, stderr, exitCode } = await run();
    expect(stderr).toMatch(/^Usage: /);
    expect([stdout, exitCode]).toEqual(['', 2]);
  });

  it.each([
    [['serie'], "linux-ptrace: unknown command 'serie' (Did you mean series?)"],
    [['--nothing'], "linux-ptrace: unknown option '--nothing'"],
    [['series'], "linux-ptrace: missing required argument 'series'"],
    [
      ['series', 'all', 'more'],
      /^linux-ptrace: too many arguments for 'series'\. Expected 1 argument but got 2(: [^\n]*)?\.$/,
    ],
    [
      ['series', 'utrace'],
      /^linux-ptrace: command-argument value 'utrace' is invalid for argument 'series'\. Allowed [^\n]*\.$/,
    ],
    [
      ['series', 'all', '--jobs', '0'],
      /^linux-ptrace: option '--jobs <n>' argument '0' is invalid\. Want a number of 1 to 64\.$/,
    ],
    [['series', 'listen', '--stopped'], 'linux-ptrace: --stopped is for seize and interrupt, not for listen'],
  ])('%j: one sentence and exit code 2', async (args, sentence) => {
    const { stdout, stderr, exitCode } = await run(...args);
    expect(stderr).toMatch(sentence);
    expect(stderr.split('\n')).toHaveLength(1);
    expect([stdout, exitCode]).toEqual(['', 2]);
  });
});
