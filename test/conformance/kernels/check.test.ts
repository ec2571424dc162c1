import { describe, expect, it } from 'vitest';
import { check, racesOf } from '../../../lib/conformance/kernels/check.js';
import { checkSummary, checkText } from '../../../lib/conformance/kernels/check-text.js';
import { mergedReport } from '../../../lib/conformance/kernels/merge.js';
import { checkOutcome, tooFew } from '../../../lib/vm/matrix-check.js';
import { changed, outcomes, report, scenarios } from '../fixtures.js';

const races = racesOf(scenarios);
const known = report();

/** What a check says when one scenario has become another. */
function when(id: string, change: Parameters<typeof changed>[1], before = known) {
  const { same, explained, unexplained } = check(before, report({ outcomes: changed(id, change) }), races);
  return { same, explained: explained.map(({ why }) => why), unexplained: unexplained.map(({ why }) => why) };
}

describe('a check', () => {
  it('of the same report finds nothing, whatever the minor version', () => {
    const result = check(known, report({ release: '6.18.99' }), races);
    expect(result).toEqual({ same: 4, explained: [], unexplained: [], notPlayed: [] });
    expect(checkSummary(result)).toBe('4 behaviours as known, 0 unexplained');
  });

  it('finds another verdict, in every direction', () => {
    for (const [id, verdict, words] of [
      ['seize-no-trap', 'fail', 'pass is known, now it is fail'],
      ['seize-no-trap', 'skip', 'pass is known, now it is skip'],
      ['attach-into-signal', 'pass', 'fail is known, now it is pass'],
      ['block-step', 'pass', 'skip is known, now it is pass'],
      ['race', 'fail', 'recorded is known, now it is fail'],
    ] as const) {
      expect(when(id, { verdict })).toEqual({ same: 3, explained: [], unexplained: [words] });
    }
  });

  it('takes a skip for another reason for the same', () => {
    expect(when('block-step', { reason: 'another' })).toEqual({ same: 4, explained: [], unexplained: [] });
  });

  it('lets a race end as it likes', () => {
    expect(when('race', { observations: ['E: wait = killed by SIGKILL'] })).toEqual({
      same: 3,
      explained: ['nobody is right or wrong here, and runs may differ'],
      unexplained: [],
    });
  });

  it('holds a kernel that is older than a rule to what it is known to do', () => {
    const old = report({ outcomes: changed('seize-no-trap', { verdict: 'recorded', reason: 'since 3.4' }) });
    const { unexplained } = when(
      'seize-no-trap',
      { verdict: 'recorded', reason: 'since 3.4', observations: ['E: SEIZE = EIO'] },
      old,
    );
    expect(unexplained).toEqual(['it is recorded as is known, but something else was observed']);
  });

  it('holds a failure to be the known one', () => {
    expect(when('attach-into-signal', { observations: ['E: ATTACH = 0'] }).unexplained).toEqual([
      'it is fail as is known, but something else was observed',
    ]);
  });

  it('explains what the expectation leaves open', () => {
    const expected = ['E: SEIZE = 0 | ESRCH', 'E: poll = *'];
    const open = report({ outcomes: changed('seize-no-trap', { expected }) });
    const change = { expected, observations: ['E: SEIZE = ESRCH', 'E: poll = something'] };
    expect(when('seize-no-trap', change, open)).toEqual({
      same: 3,
      explained: ['what is expected leaves open which of the two it is'],
      unexplained: [],
    });
  });

  it('notices an expectation that was bent towards a new behaviour', () => {
    const lines = ['E: SEIZE = 0', 'E: poll = stopped by SIGTRAP'];
    expect(when('seize-no-trap', { observations: lines, expected: lines }).unexplained).toEqual([
      'it passes, but what is known would not: the expectation has changed with the behaviour',
    ]);
  });

  it('knows all observations and verdicts of several runs', () => {
    const seized = changed('seize-no-trap', { verdict: 'fail', observations: ['E: SEIZE = EIO'] });
    const unstable = mergedReport([known, report({ outcomes: seized })]);
    expect(check(unstable, known, races).unexplained).toEqual([]);
    expect(check(unstable, report({ outcomes: seized }), races)).toMatchObject({ same: 4, unexplained: [] });
  });

  it('takes a new scenario as it is unless it fails, and tells what was not played', () => {
    const [, ...rest] = scenarios;
    const older = report({ scenarios: rest });
    expect(check(older, known, races)).toMatchObject({
      same: 3,
      explained: [{ id: 'seize-no-trap' }],
      unexplained: [],
    });
    const failing = report({ outcomes: changed('seize-no-trap', { verdict: 'fail' }) });
    expect(check(older, failing, races).unexplained).toMatchObject([
      { id: 'seize-no-trap', why: 'a new scenario that fails' },
    ]);
    const result = check(known, older, races);
    expect(result.notPlayed).toEqual(['seize-no-trap']);
    expect(checkSummary(result)).toBe('3 behaviours as known, 0 unexplained, 1 not played');
  });

  it('shows the lines that differ', () => {
    const now = report({
      outcomes: changed('seize-no-trap', { verdict: 'fail', observations: ['E: SEIZE = 0', 'E: poll = exited 1'] }),
    });
    expect(checkText(check(known, now, races)).join('\n')).toBe(
      [
        '',
        'seize-no-trap: pass is known, now it is fail',
        '    E: SEIZE = 0',
        '  - E: poll = nothing',
        '  + E: poll = exited 1',
        '',
        '3 behaviours as known, 1 unexplained',
      ].join('\n'),
    );
  });
});

describe('the text of a check', () => {
  const deviation = (id: string) => ({ id, now: { ...known.scenarios[0]!, id }, why: 'a new scenario' });
  const text = (ids: readonly string[]) =>
    checkText({ same: 1, explained: ids.map(deviation), unexplained: [], notPlayed: [] });

  it('names what is explained, unless there is much of it', () => {
    expect(text(['a', 'b'])).toEqual([
      'explained, a new scenario: a, b',
      '1 behaviour as known, 0 unexplained, 2 explained',
    ]);
    expect(text('a b c d e f g h i j k'.split(' '))[0]).toBe('explained, a new scenario: 11 scenarios');
  });
});

describe('the counts of a CI step', () => {
  const played = (outcome: ReturnType<typeof report>) =>
    checkOutcome(
      { id: '6.18-x64', state: 'played', report: outcome, version: '6.18.15-1', seconds: 60, tries: 1 },
      known,
      races,
    );

  it('are those of the scenarios, failures being what is unexplained', () => {
    expect(played(known)).toMatchObject({ passed: 3, failed: 0, skipped: 1, played: true });
    const broken = report({ outcomes: changed('seize-no-trap', { verdict: 'skip' }) });
    expect(played(broken)).toMatchObject({ passed: 2, failed: 1, skipped: 1 });
    expect(played(broken).lines[0]).toBe('6.18.0 (6.18.15-1), known is 6.18.0');
  });

  it('take every failure of a kernel for one that nothing is known of', () => {
    const outcome = {
      id: '8.0-x64',
      state: 'played',
      report: report({ outcomes }),
      version: '1',
      seconds: 1,
      tries: 1,
    } as const;
    expect(checkOutcome(outcome, undefined, races)).toMatchObject({ passed: 2, failed: 1, skipped: 1 });
  });

  it('tell a kernel that cannot be had from a machine that failed', () => {
    const gone = checkOutcome({ id: '6.1-x64', state: 'unavailable', why: 'gone' }, known, races);
    expect(gone).toMatchObject({ passed: 0, failed: 0, skipped: 1, played: false, lines: ['unavailable: gone'] });
    const failed = checkOutcome({ id: '6.1-x64', state: 'failed', why: 'it panicked' }, known, races);
    expect(failed).toMatchObject({ passed: 0, failed: 1, skipped: 0, played: false, lines: ['it panicked'] });
  });

  it('complain of too few kernels', () => {
    const kernels = [
      { id: '6.18-x64', arch: 'x64' },
      { id: '6.1-x64', arch: 'x64' },
    ] as const;
    const gone = checkOutcome({ id: '6.1-x64', state: 'unavailable', why: 'gone' }, known, races);
    expect(tooFew([played(known), gone], kernels, { x64: 1 })).toEqual([]);
    expect(tooFew([played(known), gone], kernels, { x64: 2, arm64: 1 })).toEqual([
      '1 kernels of x64 were played, want 2 or more',
      '0 kernels of arm64 were played, want 1 or more',
    ]);
  });
});
