import fc from 'fast-check';
import { Ajv } from 'ajv';
import { SaxesParser } from 'saxes';
import { Parser, type Result } from 'tap-parser';
import { describe, expect, it } from 'vitest';
import { formatReport, FORMATS, type Format } from '../../lib/conformance/report/formats.js';
import { prettyText } from '../../lib/conformance/report/pretty.js';
import { parseReport, UnreadableReport } from '../../lib/conformance/report/read-report.js';
import { makeReport, SCHEMA, type Report } from '../../lib/conformance/report/report.js';
import { reportSchema } from '../../lib/conformance/report/schema.js';
import { shuffled } from '../../lib/conformance/report/shuffle.js';
import { sourceLink } from '../../lib/conformance/report/sources.js';
import { sideBySide } from '../../lib/conformance/report/text.js';
import { problemOf } from '../../lib/conformance/report/validate.js';
import { commit, mail, manual, suite } from '../../lib/conformance/scenario.js';
import { beside } from '../../lib/conformance/transcript.js';
import { changed, outcomes, report, scenarios } from './fixtures.js';

const unpainted = { width: 100, paint: (_tone: string, text: string): string => text };
const written = (format: Format, of: Report = report()): string => formatReport(of, format, { pretty: unpainted });
const validate = new Ajv({ allErrors: true }).compile(reportSchema);

describe('a report', () => {
  it('is in the order of the catalogue, whatever ended first', () => {
    const backwards = report({ outcomes: [...outcomes].reverse() });
    expect(backwards).toEqual(report());
    expect(backwards.scenarios.map(({ id }) => id)).toEqual(scenarios.map(({ id }) => id));
  });

  it('has what was played, and says how many there should be', () => {
    const partial = report({ outcomes: outcomes.slice(1, 3), interrupted: true });
    expect(partial.scenarios.map(({ id }) => id)).toEqual(['attach-into-signal', 'block-step']);
    expect([partial.planned, partial.interrupted]).toEqual([4, true]);
  });

  it('is what its schema says', () => {
    expect(validate(report())).toBe(true);
    expect(validate(JSON.parse(written('json')))).toBe(true);
    expect(
      validate(report({ outcomes: [...outcomes, ...changed('race', { observations: ['E: wait = exited 1'] })] })),
    ).toBe(true);
    expect(validate(makeReport({ ...materialOf(report()), shuffle: 7 }))).toBe(true);
  });

  it('comes back from its JSON', () => {
    expect(parseReport(written('json'), 'it')).toEqual(report());
  });
});

const materialOf = (of: Report) => ({
  package: of.package,
  probe: of.probe,
  begin: new Date(of.date),
  durationMs: 1,
  interrupted: false,
  scenarios,
  outcomes,
});

describe('what reads reports', () => {
  const refuses = (text: string): string => {
    try {
      parseReport(text, 'x.json');
    } catch (error) {
      expect(error).toBeInstanceOf(UnreadableReport);
      return (error as Error).message;
    }
    return 'read';
  };
  const mangled = (change: (value: Record<string, unknown>) => void): string => {
    const value = JSON.parse(written('json')) as Record<string, unknown>;
    change(value);
    return JSON.stringify(value);
  };

  it.each([
    ['', 'x.json is empty'],
    [' \n', 'x.json is empty'],
    ['{', 'x.json is not JSON'],
    ['TAP version 14', 'x.json is not JSON'],
    ['null', `x.json is no report of linux-ptrace conform (its schema is not ${SCHEMA})`],
    ['[]', `x.json is no report of linux-ptrace conform (its schema is not ${SCHEMA})`],
    ['{"schema":1}', `x.json is no report of linux-ptrace conform (its schema is not ${SCHEMA})`],
    [
      '{"schema":"linux-ptrace/conformance/2"}',
      `x.json has the schema linux-ptrace/conformance/2; this version reads ${SCHEMA}`,
    ],
    [`{"schema":"${SCHEMA}"}`, `x.json is not as its schema ${SCHEMA} says: package is missing`],
  ])('refuses %j', (text, message) => {
    expect(refuses(text)).toBe(message);
  });

  it('names the place of what is wrong', () => {
    const wrong = (change: (value: Record<string, unknown>) => void): string => refuses(mangled(change));
    const says = (words: string): string => `x.json is not as its schema ${SCHEMA} says: ${words}`;
    expect(wrong((value) => (value['planned'] = '4'))).toBe(says('planned is no integer'));
    expect(wrong((value) => (value['arch'] = 'vax'))).toBe(says('arch is none of x64, arm64'));
    expect(wrong((value) => (value['scenarios'] = {}))).toBe(says('scenarios is no array'));
    const inFirst = (name: string, to: unknown) => (value: Record<string, unknown>) =>
      ((value['scenarios'] as Record<string, unknown>[])[0]![name] = to);
    expect(wrong(inFirst('verdict', 'good'))).toBe(says('scenarios[0].verdict is none of pass, fail, skip, recorded'));
    expect(wrong(inFirst('observations', [1]))).toBe(says('scenarios[0].observations[0] is no string'));
    expect(wrong(inFirst('source', []))).toBe(says('scenarios[0].source is empty'));
    expect(wrong(inFirst('source', [{ kind: 'rumour' }]))).toBe(
      says('scenarios[0].source[0] is nothing that could stand there'),
    );
  });

  it('takes what a later version of the same schema may add', () => {
    expect(refuses(mangled((value) => (value['more'] = true)))).toBe('read');
  });

  it('agrees with a whole validator', () => {
    const paths: string[][] = [];
    const walk = (value: unknown, path: string[]): void => {
      paths.push(path);
      if (typeof value !== 'object' || value === null) return;
      for (const [key, member] of Object.entries(value)) walk(member, [...path, key]);
    };
    walk(JSON.parse(written('json')), []);
    const replacement = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constant(undefined));
    fc.assert(
      fc.property(fc.constantFrom(...paths.filter((path) => path.length > 0)), replacement, (path, to) => {
        const value = JSON.parse(written('json')) as Record<string, unknown>;
        let holder = value;
        for (const key of path.slice(0, -1)) holder = holder[key] as Record<string, unknown>;
        holder[path.at(-1)!] = to;
        const document = JSON.parse(JSON.stringify(value)) as unknown;
        expect(problemOf(document, reportSchema) === undefined).toBe(validate(document));
      }),
      { numRuns: 500 },
    );
  });
});

describe('a scenario that is repeated', () => {
  const repeated = (...of: readonly Partial<(typeof outcomes)[number]>[]) =>
    report({ outcomes: of.flatMap((change) => changed('seize-no-trap', change)) }).scenarios[0]!;

  it('is there once, with how often', () => {
    const { verdict, reason, runs } = repeated({}, {}, {});
    expect({ verdict, reason, runs }).toEqual({
      verdict: 'pass',
      reason: undefined,
      runs: { count: 3, verdicts: { pass: 3 }, observations: 1 },
    });
  });

  it('has failed when it failed once, and shows that run', () => {
    const { verdict, reason, runs, observations } = repeated(
      {},
      { verdict: 'fail', observations: ['E: SEIZE = EPERM'] },
      {},
    );
    expect({ verdict, reason, observations }).toEqual({
      verdict: 'fail',
      reason: 'unstable: pass 2, fail 1',
      observations: ['E: SEIZE = EPERM'],
    });
    expect(runs).toEqual({
      count: 3,
      verdicts: { pass: 2, fail: 1 },
      observations: 2,
      others: [['E: SEIZE = 0', 'E: poll = nothing']],
    });
  });

  it('has failed when its verdict depends on the run', () => {
    expect(repeated({}, { verdict: 'skip', reason: 'not today' })).toMatchObject({
      verdict: 'fail',
      reason: 'unstable: pass 1, skip 1',
    });
  });

  it('may observe different things that are all right; the report says so', () => {
    expect(repeated({}, { observations: ['E: SEIZE = 0'] })).toMatchObject({
      verdict: 'pass',
      reason: 'unstable: 2 different observations in 2 runs',
      runs: { observations: 2, others: [['E: SEIZE = 0']] },
    });
  });
});

describe('an order that a seed decides', () => {
  it('is an order of the same members, and the same each time', () => {
    fc.assert(
      fc.property(fc.array(fc.nat()), fc.nat(2 ** 32 - 1), (members, seed) => {
        const once = shuffled(members, seed);
        expect(shuffled(members, seed)).toEqual(once);
        expect([...once].sort()).toEqual([...members].sort());
      }),
    );
    const numbers = Array.from({ length: 50 }, (_, index) => index);
    expect(shuffled(numbers, 1)).not.toEqual(numbers);
    expect(shuffled(numbers, 1)).not.toEqual(shuffled(numbers, 2));
  });
});

describe('links of sources', () => {
  it.each([
    [commit('abc', 'x'), 'https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/commit/?id=abc'],
    [manual('ptrace(2)', 'Group-stop'), 'https://man7.org/linux/man-pages/man2/ptrace.2.html'],
    [manual('proc(5)', 'x'), 'https://man7.org/linux/man-pages/man5/proc.5.html'],
    [manual('the book', 'x'), undefined],
    [suite('rr', 'x'), 'https://github.com/rr-debugger/rr'],
    [mail('linux-kernel', 'x', 2011), undefined],
  ])('%j', (source, link) => {
    expect(sourceLink(source)).toBe(link);
  });
});

describe('the report for a terminal', () => {
  const lines = prettyText(report(), unpainted);

  it('counts by source, tells skips by reason, and shows what failed', () => {
    expect(lines).toEqual([
      'Linux 6.18.0 x86_64, Some <CPU>, Node v20.0.0',
      '',
      'source              pass     fail     skip recorded',
      'kernel commits         1        0        0        0',
      'ptrace-tests           0        1        1        0',
      'mailing lists          0        0        0        1',
      'all                    1        1        1        1',
      '',
      'skipped',
      '  no BTF # here\\ (1)',
      '    block-step',
      '',
      'failed',
      'attach-into-signal: A signal & a <trace> "collide"',
      '  expected because it is so since 3.0',
      '    expected                      observed',
      '    E: ATTACH = 0                 E: ATTACH = 0',
      '  ! E: wait = stopped by SIGSTOP  E: wait = stopped by SIGUSR1',
      '  ! -                             E: # </script> ]]> \u0007 = 1',
      '  No signal is lost.',
      '  ptrace-tests: attach-into-signal',
      '',
      '4 scenarios: 1 pass, 1 fail, 1 skip, 1 recorded (1.2 s)',
    ]);
  });

  it('has a line for each, and what was recorded, when asked', () => {
    const each = prettyText(report(), { ...unpainted, each: true });
    expect(each).toContain('pass      seize-no-trap  1.5 ms');
    expect(each).toContain('skip      block-step  0 ms  no BTF # here\\');
    expect(each).toContain('    E: wait = exited 0');
    expect(each).not.toContain('    E: SEIZE = 0');
    expect(prettyText(report(), { ...unpainted, each: true, observations: true })).toContain('    E: SEIZE = 0');
  });

  it('says that it is partial', () => {
    const partial = prettyText(report({ outcomes: outcomes.slice(0, 1), interrupted: true }), unpainted);
    expect(partial.at(-1)).toBe('interrupted after 1 of 4 scenarios: 1 pass (1.2 s)');
  });

  it('paints nothing but what it is told to', () => {
    const painted = prettyText(report(), { width: 100, paint: (tone, text) => `<${tone}>${text}</>` });
    expect(painted.at(-1)).toBe(
      '4 scenarios: <pass>1 pass</>, <fail>1 fail</>, <skip>1 skip</>, <recorded>1 recorded</> (1.2 s)',
    );
  });

  it('stands one below the other where the width does not allow more', () => {
    const rows = beside(['E: a = 1', 'E: b = 2'], ['E: a = 1', 'E: b = 3']);
    const texts = (width: number): string[] =>
      sideBySide(rows, { left: 'l', right: 'r' }, width).map(({ text }) => text);
    expect(texts(20)).toEqual(['  l         r', '  E: a = 1  E: a = 1', '! E: b = 2  E: b = 3']);
    expect(texts(19)).toEqual(['  E: a = 1', '- E: b = 2', '+ E: b = 3']);
  });
});

function parseTap(text: string): { ok: boolean; results: Result[]; bailout: unknown; failures: unknown[] } {
  const parser = new Parser({ strict: true });
  const results: Result[] = [];
  parser.on('assert', (result: Result) => results.push(result));
  parser.end(text);
  const { ok, bailout, failures } = parser.results!;
  return { ok, results, bailout, failures };
}

describe('TAP', () => {
  it('is what its parser accepts, strictly', () => {
    const { ok, results, failures } = parseTap(written('tap'));
    expect(ok).toBe(false);
    expect(failures).toHaveLength(1);
    expect(results.map(({ ok: passed, name, skip }) => [passed, name, skip])).toEqual([
      [true, 'seize-no-trap', false],
      [false, 'attach-into-signal', false],
      [true, 'block-step', 'no BTF # here\\'],
      [true, 'race', false],
    ]);
    expect(results[1]?.diag).toMatchObject({
      expected: ['E: ATTACH = 0', 'E: wait = stopped by SIGSTOP'],
      observed: ['E: ATTACH = 0', 'E: wait = stopped by SIGUSR1', 'E: # </script> ]]> \u0007 = 1'],
      because: 'it is so since 3.0',
    });
  });

  it('is good when nothing failed', () => {
    expect(parseTap(written('tap', report({ outcomes: changed('attach-into-signal', { verdict: 'pass' }) }))).ok).toBe(
      true,
    );
  });

  it('bails out when interrupted', () => {
    const partial = parseTap(written('tap', report({ outcomes: outcomes.slice(0, 2), interrupted: true })));
    expect([partial.ok, partial.bailout]).toEqual([false, 'interrupted']);
  });
});

describe('KTAP', () => {
  const lines = written('ktap').trimEnd().split('\n');

  it('has its version, its plan, and a result for each, behind what is said of it', () => {
    expect(lines).toEqual([
      'KTAP version 1',
      '1..4',
      '# Linux 6.18.0 x86_64',
      'ok 1 seize-no-trap',
      '# A signal & a <trace> "collide"',
      '#   E: ATTACH = 0',
      '# - E: wait = stopped by SIGSTOP',
      '# + E: wait = stopped by SIGUSR1',
      '# + E: # </script> ]]> \u0007 = 1',
      'not ok 2 attach-into-signal',
      'ok 3 block-step # SKIP no BTF here\\',
      'ok 4 race # recorded: a race',
    ]);
  });
});

/** An element of XML, with the text that is in it and in no other. */
interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

/** Throws for what is not well-formed. */
function parseXml(xml: string): Element {
  const root: Element = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    const element: Element = { name, attributes, children: [], text: '' };
    open.at(-1)!.children.push(element);
    open.push(element);
  });
  parser.on('text', (text) => (open.at(-1)!.text += text));
  parser.on('closetag', () => open.pop());
  parser.write(xml).close();
  return root.children[0]!;
}

describe('JUnit', () => {
  const xml = written('junit');

  it('is well-formed, with every name and text as it was', () => {
    const suites = parseXml(xml);
    expect(suites.attributes).toMatchObject({ tests: '4', failures: '1', skipped: '1' });
    expect(suites.children.map(({ attributes }) => [attributes['name'], attributes['tests']])).toEqual([
      ['kernel commits', '1'],
      ['ptrace-tests', '2'],
      ['mailing lists', '1'],
    ]);
    const [properties, failed, skipped] = suites.children[1]!.children;
    expect(properties?.children[0]?.attributes).toEqual({ name: 'kernel.release', value: '6.18.0' });
    expect(failed?.attributes).toMatchObject({ name: 'attach-into-signal', classname: 'linux-ptrace.ptrace-tests' });
    expect(failed?.children[0]?.text).toContain('A signal & a <trace> "collide"\n');
    expect(failed?.children[0]?.text).toContain('E: # </script> ]]> \ufffd = 1');
    expect(skipped?.children).toMatchObject([{ name: 'skipped', attributes: { message: 'no BTF # here\\' } }]);
  });

  it('has the elements of a test in the order that its schema wants', () => {
    for (const [, content = ''] of xml.matchAll(/<testcase[^>]*>([\s\S]*?)<\/testcase>/g)) {
      const names = [...content.matchAll(/<(failure|skipped|system-out)\b/g)].map(([, name]) => name);
      expect(names).toEqual([...names].sort((a, b) => Number(a === 'system-out') - Number(b === 'system-out')));
    }
    expect(xml).toMatch(/<testsuite [^>]*timestamp="2026-01-02T03:04:05"/);
  });
});

/** What kcidb-io 5.0 demands of the objects that are used here. */
const ORIGIN = '^[a-z0-9_]+$';
const ID = '^[a-z0-9_]+:.*$';
const identified = (required: readonly string[], properties: object) => ({
  type: 'object',
  required: ['id', 'origin', ...required],
  additionalProperties: false,
  properties: {
    id: { type: 'string', pattern: ID },
    origin: { type: 'string', pattern: ORIGIN },
    comment: { type: 'string' },
    ...properties,
  },
});
const kcidbSchema = {
  type: 'object',
  required: ['version'],
  additionalProperties: false,
  properties: {
    version: { type: 'object', properties: { major: { const: 5 }, minor: { const: 0 } }, required: ['major', 'minor'] },
    checkouts: { type: 'array', items: identified([], {}) },
    builds: {
      type: 'array',
      items: identified(['checkout_id'], {
        checkout_id: { type: 'string', pattern: ID },
        architecture: { type: 'string', pattern: '^[a-z0-9_]*$' },
      }),
    },
    tests: {
      type: 'array',
      items: identified(['build_id'], {
        build_id: { type: 'string', pattern: ID },
        path: { type: 'string', pattern: '^([a-zA-Z0-9_-]+(\\.[a-zA-Z0-9_-]+)*)?$' },
        status: { enum: ['FAIL', 'ERROR', 'MISS', 'PASS', 'DONE', 'SKIP'] },
        start_time: { type: 'string' },
        duration: { type: 'number' },
        log_excerpt: { type: 'string', maxLength: 16384 },
        environment: {
          type: 'object',
          additionalProperties: false,
          properties: { comment: { type: 'string' }, misc: { type: 'object' } },
        },
        misc: { type: 'object' },
      }),
    },
  },
};

describe('kcidb', () => {
  const valid = new Ajv().compile(kcidbSchema);
  interface Kcidb {
    readonly checkouts?: unknown[];
    readonly builds?: { id: string; checkout_id: string }[];
    readonly tests: { id: string; status: string; path: string; build_id: string; origin: string }[];
  }

  it('is what its schema says, complete in itself', () => {
    const document = JSON.parse(written('kcidb')) as Kcidb;
    expect([valid(document), valid.errors]).toEqual([true, null]);
    expect(document.tests.map(({ status }) => status)).toEqual(['PASS', 'FAIL', 'SKIP', 'DONE']);
    expect(document.tests[0]?.path).toBe('linux-ptrace.seize-no-trap');
    expect(new Set(document.tests.map(({ id }) => id)).size).toBe(4);
    expect(document.tests[0]?.build_id).toBe(document.builds?.[0]?.id);
  });

  it('belongs to a build of a CI system', () => {
    const kcidb = { origin: 'maestro', buildId: 'maestro:123' };
    const document = JSON.parse(formatReport(report(), 'kcidb', { pretty: unpainted, kcidb })) as Kcidb;
    expect(valid(document)).toBe(true);
    expect([document.checkouts, document.builds]).toEqual([undefined, undefined]);
    expect(document.tests[0]).toMatchObject({ origin: 'maestro', build_id: 'maestro:123' });
  });
});

describe('Markdown', () => {
  it('has a table, what failed, and what was skipped', () => {
    const text = written('md');
    expect(text).toContain('| source | pass | fail | skip | recorded |\n| --- | :---: | :---: | :---: | :---: |\n');
    expect(text).toContain('| ptrace-tests | 0 | 1 | 1 | 0 |');
    expect(text).toContain(
      '<code>attach-into-signal</code> A signal &amp; a &lt;trace&gt; &quot;collide&quot;</summary>',
    );
    expect(text).toContain('- E: wait = stopped by SIGSTOP\n+ E: wait = stopped by SIGUSR1');
    expect(text).toContain('- no BTF \\# here\\\\ (1): `block-step`');
  });
});

describe('every format', () => {
  const nothing = report({ outcomes: [], interrupted: true });

  it.each(FORMATS)('%s ends its last line, the same each time, and can do with nothing', (format) => {
    if (format === 'html') return; // page.test.ts
    expect(written(format)).toMatch(/[^\n]\n$/);
    expect(written(format)).toBe(written(format));
    expect(written(format, nothing)).toMatch(/\n$/);
  });
});
