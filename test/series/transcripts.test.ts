import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { expectationOf } from '../../lib/series/edition.js';
import { catalogue } from '../../lib/series/catalogue.js';
import { command } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';
import { marked, remains } from './remains.js';

/** The transcripts as the commits have them, written down apart from the programs. */
const round = [
  'mother: SIGSTOP',
  'tracer: SIG 19',
  'tracer: stopped=1 signo=19',
  'mother: SIGCONT',
  'tracer: stopped=0 signo=5',
  'tracer: SIG 18',
];
const groupStops = ['tracer: stopped=0 signo=5', ...round, ...round, ...round];
const jobControl = [
  ...['tracee: SIGSTOP', 'mommy : WAIT status=19 code=05', 'tracee: SIGCONT', 'mommy : WAIT status=18 code=06'],
  ...['tracee: SIGSTOP', 'mommy : WAIT status=19 code=05', 'tracee: SIGCONT', 'mommy : WAIT status=18 code=06'],
  ...['tracee: SIGSTOP', 'mommy : WAIT status=19 code=05', 'tracee: SIGCONT', 'mommy : WAIT status=18 code=06'],
  ...['tracee: SIGSTOP', 'tracer: EXITING', 'mommy : WAIT status=19 code=05'],
];
const alive = ['tracee: alive', 'tracee: alive', 'tracee: alive'];
const alivePid = alive.map((line) => `${line} pid=N`);

const shown: Readonly<Record<string, readonly string[]>> = {
  seize: [...alive, 'tracer: exiting', 'tracee: alive', 'tracee: alive', '# the tracee is S (sleeping)'],
  'seize --stopped': [...alive, 'tracer: exiting', '# the tracee is T (stopped)'],
  interrupt: [...alivePid, 'tracer: INTERRUPT and DETACH', ...alivePid, 'tracer: exiting'],
  'interrupt --stopped': [...alivePid, 'tracer: INTERRUPT and DETACH', 'tracer: exiting'],
  notify: groupStops,
  listen: groupStops,
  'tracer-exit': ['exiting', '# the tracee is T (stopped)'],
  'one-stop-report': [],
  'duplicate-sigchld': [
    'mommy : SIG status=19 code=05 (tracee)',
    'tracer: SIG status=00 code=05 (tracee)',
    'tracer: SIG status=19 code=04 (tracee)',
    'tracer: SIG status=00 code=05 (tracee)',
    'tracer: detaching',
    'mommy : SIG status=00 code=01 (tracer)',
  ],
  'zombie-leader': ['tracee exiting', 'waitid: No child processes'],
  'real-parent-polls': jobControl,
  'real-parent-waits': jobControl,
  'injected-stop': [],
  'same-thread-group': [],
};

const normal = (line: string): string => line.replace(/pid=\d+/, 'pid=N');

describe('linux-ptrace series', () => {
  it(
    'all: prints every program with its commit, its transcript and a verdict, in order',
    async () => {
      const env = marked('all');
      const run = await execa('node', [command(), 'series', 'all', '--fast'], { env, extendEnv: false, reject: false });
      expect(run.stderr).toBe('');
      const blocks = run.stdout.split('\n\n').map((block) => block.split('\n'));
      const summary = blocks.pop();
      for (const [index, program] of catalogue.entries()) {
        const [heading, ...lines] = blocks[index] ?? [];
        const verdict = lines.pop();
        expect(heading).toBe(`== ${program.name}: ${program.commit} "${program.title}"`);
        expect(lines.map(normal)).toEqual(shown[program.name] ?? expectationOf(program).lines);
        expect(verdict).toMatch(/^ok: (prints nothing|\d+ lines?), as the commit (shows|describes) \(\d+\.\d s\)/);
      }
      expect(blocks.length).toBe(catalogue.length);
      const count = catalogue.length;
      expect(summary?.join('\n')).toMatch(new RegExp(`^${count} of ${count} agree with the commits on Linux `));
      expect(run.exitCode).toBe(0);
      expect(await remains('all')).toEqual([]);
    },
    limit(90_000),
  );

  it('covers every transcript that a commit shows', () => {
    const names = catalogue.filter(({ source }) => source === 'shown').map(({ name }) => name);
    expect(names.toSorted()).toEqual(Object.keys(shown).toSorted());
    expect(new Set(catalogue.map(({ name }) => name)).size).toBe(catalogue.length);
  });

  it(
    'listen: takes its naps without --fast, the same lines',
    async () => {
      const run = await execa('node', [command(), 'series', 'listen'], { reject: false });
      const [, ...lines] = run.stdout.split('\n');
      expect(lines.slice(0, 19)).toEqual(groupStops);
      expect(lines[19]).toMatch(/^ok: 19 lines, as the commit shows \(([7-9]|\d\d)\.\d s\)$/);
      expect(run.exitCode).toBe(0);
    },
    limit(60_000),
  );

  it('--stopped: only the programs with an argument', async () => {
    const run = await execa('node', [command(), 'series', 'interrupt', '--stopped', '--fast'], { reject: false });
    expect(run.stdout.split('\n').filter((line) => line.startsWith('==')).length).toBe(1);
    expect(run.stdout).toMatch(/^== interrupt --stopped: fca26f260c52 /);
    expect(run.exitCode).toBe(0);
  });

  it('--json: one document', async () => {
    const run = await execa('node', [command(), 'series', 'seize', '--fast', '--json'], { reject: false });
    const report = JSON.parse(run.stdout) as { programs: { name: string }[] };
    expect(report).toMatchObject({ arch: process.arch, fast: true, ok: true });
    expect(report.programs).toMatchObject([
      { name: 'seize', ok: true, commit: '3544d72a0e10', transcript: shown['seize'], problems: [] },
      { name: 'seize --stopped', ok: true, transcript: shown['seize --stopped'], problems: [] },
    ]);
    expect(run.exitCode).toBe(0);
  });
});
