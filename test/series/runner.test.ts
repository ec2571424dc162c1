import { describe, expect, it } from 'vitest';
import type * as Series from '../../lib/series/index.js';
import { SeriesText } from '../../lib/cli/series-report.js';
import * as fixtures from './fixtures/programs.js';
import { dist } from '../helpers/dist.js';
import { processes } from '../helpers/leftovers.js';
import { limit } from '../helpers/scale.js';
import { carriers, marked } from './remains.js';

// The processes of a program import what was built, so their runner does, too.
const series = (await import(dist('series/index.js'))) as typeof Series;
const mark = 'runner';
Object.assign(process.env, marked(mark));

/** What is alive of the programs at this moment. When one is over, that is nothing, not even for a while. */
function alive(): string[] {
  const children = processes().filter(({ ppid, state }) => state !== 'Z' && ppid === process.pid);
  return [...children.map(({ pid, command }) => `${pid} ${command}`), ...carriers(mark)];
}

function textOf(outcome: Series.Outcome): string[] {
  const lines: string[] = [];
  const text = new SeriesText((line) => lines.push(line));
  text.ends(outcome);
  text.summary([outcome], 1);
  return lines;
}

function programOf(name: string): Series.Program {
  return series.catalogue.find((program) => program.name === name)!;
}

describe('a transcript that differs', () => {
  it('is shown beside the expected one', async () => {
    const listen = programOf('listen');
    const lying = {
      ...listen,
      expected: (listen.expected as string)
        .replace('tracer: stopped=1 signo=19\n', '')
        .replace(/tracer: SIG 18\n$/, 'tracer: SIG 10\n'),
    };
    const outcome = await series.runProgram(lying, { fast: true });
    expect(outcome.ok).toBe(false);
    expect(outcome.problems).toEqual([]);
    expect(outcome.transcript).toHaveLength(19);
    const [verdict, ...lines] = textOf(outcome);
    expect(verdict).toMatch(/^differs from what the commit shows/);
    expect(lines).toEqual([
      '    expected                   | seen',
      '    ...                        | ...',
      '    mother: SIGSTOP            | mother: SIGSTOP',
      '    tracer: SIG 19             | tracer: SIG 19',
      '  >                            | tracer: stopped=1 signo=19',
      '    mother: SIGCONT            | mother: SIGCONT',
      '    tracer: stopped=0 signo=5  | tracer: stopped=0 signo=5',
      '    ...                        | ...',
      '    mother: SIGCONT            | mother: SIGCONT',
      '    tracer: stopped=0 signo=5  | tracer: stopped=0 signo=5',
      '  > tracer: SIG 10             |',
      '  >                            | tracer: SIG 18',
      '',
      expect.stringMatching(/^0 of 1 agree/),
      'different: listen',
    ]);
  });

  it('does not come from numbers that differ from run to run', async () => {
    const outcome = await series.runProgram(programOf('interrupt --stopped'), { fast: true });
    expect(outcome.ok).toBe(true);
    expect(outcome.transcript).not.toEqual(outcome.expected);
  });
});

describe('a program that goes wrong', () => {
  it('is ended when its tracee never reports, and what it printed is compared', async () => {
    const begin = performance.now();
    // Long enough for two Node processes to start on a machine that has much to do.
    const outcome = await series.runProgram(fixtures.never, { fast: true, patience: 6000 });
    expect(performance.now() - begin).toBeLessThan(limit(18_000));
    expect(outcome.ok).toBe(false);
    expect(outcome.transcript).toEqual(['mother: waiting']);
    expect(outcome.problems).toEqual([expect.stringMatching(/^did not end within \d+\.\d s and was killed$/)]);
    expect(textOf(outcome)).toContain('  > tracer: stopped |');
    expect(alive()).toEqual([]);
  });

  it('leaves nobody behind: stopped orphans, busy ones, grandchildren of another session', async () => {
    const outcome = await series.runProgram(fixtures.careless, { fast: true });
    expect(outcome.transcript).toEqual(['mother: gone']);
    expect(outcome.problems).toEqual([]);
    expect(outcome.ok).toBe(true);
    expect(alive()).toEqual([]);
  });

  it('says which request was refused', async () => {
    const outcome = await series.runProgram(fixtures.refused, { fast: true });
    expect(outcome.ok).toBe(false);
    expect(outcome.transcript).toEqual([
      expect.stringMatching(/^tracer: cannot PTRACE_CONT \d+: .*\(ESRCH\)$/),
      'mother: done',
    ]);
  });

  it('differs when the mother fails, whatever it printed', async () => {
    const outcome = await series.runProgram(fixtures.failing, { fast: true });
    expect(outcome).toMatchObject({
      ok: false,
      transcript: ['mother: assertion failed: 0'],
      problems: ['the mother exited with code 1'],
    });
  });

  it('differs when the terminal fails', async () => {
    const outcome = await series.runProgram(fixtures.mistaken, { fast: true });
    expect(outcome).toMatchObject({ ok: false, transcript: ['# still there'], problems: ['that was not expected'] });
    expect(alive()).toEqual([]);
  });

  it('is ended by an AbortSignal', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const programs = [fixtures.never, fixtures.never, fixtures.never];
    const lines: string[] = [];
    const line = (_program: Series.Program, text: string): void => {
      lines.push(text);
      if (text === 'mother: waiting') controller.abort(reason);
    };
    await expect(series.runSeries(programs, { fast: true, jobs: 2, signal: controller.signal }, { line })).rejects.toBe(
      reason,
    );
    expect(lines).toEqual(['mother: waiting']);
    expect(alive()).toEqual([]);
    await expect(series.runProgram(fixtures.never, { signal: controller.signal })).rejects.toBe(reason);
  });

  it('does not hinder the others', async () => {
    const told: string[] = [];
    const outcomes = await series.runSeries(
      [fixtures.failing, programOf('injected-stop'), fixtures.careless],
      { fast: true, jobs: 3 },
      {
        begins: ({ name }) => told.push(`begins ${name}`),
        line: ({ name }, text) => told.push(`${name}: ${text}`),
        ends: ({ program, ok }) => told.push(`${program.name} ${ok}`),
      },
    );
    expect(outcomes.map(({ ok }) => ok)).toEqual([false, true, true]);
    expect(told).toEqual([
      'begins failing',
      'failing: mother: assertion failed: 0',
      'failing false',
      'begins injected-stop',
      'injected-stop true',
      'begins careless',
      'careless: mother: gone',
      'careless true',
    ]);
  });
});
