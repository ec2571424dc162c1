/** The JSON Schema of a report: `linux-ptrace conform --schema` prints it. */
import { SCHEMA, VERDICTS } from './report.js';
import type { Schema } from './validate.js';

const string: Schema = { type: 'string' };
const strings: Schema = { type: 'array', items: string };
const millis: Schema = { type: 'number', minimum: 0, description: 'milliseconds' };
const count: Schema = { type: 'integer', minimum: 0 };
const verdict: Schema = { type: 'string', enum: VERDICTS };
const arch: Schema = { type: 'string', enum: ['x64', 'arm64'] };

const described = (schema: Schema, description: string): Schema => ({ ...schema, description });

const record = (properties: Record<string, Schema>, optional: Record<string, Schema> = {}): Schema => ({
  type: 'object',
  required: Object.keys(properties),
  properties: { ...properties, ...optional },
});

const constant = (value: string): Schema => ({ type: 'string', const: value });

const source: Schema = {
  anyOf: [
    record({ kind: constant('commit'), commit: string, title: string }),
    record({ kind: constant('manual'), page: string, section: string }),
    record({ kind: constant('suite'), suite: string, test: string }),
    record({ kind: constant('mail'), list: string, subject: string, year: { type: 'integer' } }),
  ],
};

const runs: Schema = {
  ...record(
    {
      count: described(count, 'how often it was played'),
      verdicts: {
        type: 'object',
        properties: Object.fromEntries(VERDICTS.map((name) => [name, count])),
        description: 'how often each verdict came',
      },
      observations: described(count, 'how many different observations there were'),
    },
    { others: { type: 'array', items: strings, description: 'the observations that are not the one shown, up to 8' } },
  ),
  description: 'only where it was played more than once',
};

const scenario = record(
  {
    id: described(string, 'its name, the same in reports of all versions'),
    title: described(string, 'the behaviour in one sentence'),
    source: { type: 'array', items: source, minItems: 1, description: 'the first is where it comes from' },
    tags: strings,
    rule: described(string, 'the rule in words'),
    verdict,
    observations: described(strings, 'what this kernel did, one line each: "who: what = value"'),
    durationMs: millis,
  },
  {
    history: described(string, 'kernels that had it otherwise'),
    since: described(string, 'the first release with this behaviour'),
    requests: described(count, 'on a virtual ptrace: how many requests were made of it'),
    arch: { type: 'array', items: arch, description: 'the only architectures that have it' },
    reason: described(
      string,
      'why it was skipped, is only recorded, or failed in another way than by what it observed',
    ),
    expected: described(strings, 'what is right on this kernel; " | " parts alternatives, "*" stands for any value'),
    because: described(string, 'why that is expected of this kernel and not of every one'),
    runs,
  },
);

const kernel = record({ release: string, version: string, machine: string });

const probe = described(
  record(
    {
      schema: { type: 'integer', const: 1 },
      kernel,
      arch,
      node: string,
      durationMs: millis,
      capabilities: {
        type: 'array',
        items: record(
          {
            id: string,
            group: string,
            status: { type: 'string', enum: ['yes', 'no', 'denied', 'not-here'] },
            detail: string,
          },
          { errno: { type: 'integer' }, code: string },
        ),
      },
    },
    { cpu: string },
  ),
  'what linux-ptrace probe --json prints',
);

export const reportSchema: Schema & { readonly $schema: string; readonly $id: string; readonly title: string } = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: `urn:${SCHEMA.replaceAll('/', ':')}`,
  title: 'A report of linux-ptrace conform',
  ...record(
    {
      schema: constant(SCHEMA),
      package: record({ name: string, version: string }),
      kernel: described(kernel, 'uname(2)'),
      arch,
      node: described(string, "Node's version"),
      date: described(string, 'when the run began: ISO 8601, UTC'),
      durationMs: millis,
      interrupted: { type: 'boolean', description: 'ended before all scenarios had been played' },
      planned: described(count, 'how many scenarios were to be played'),
      probe,
      scenarios: { type: 'array', items: scenario, description: "in the catalogue's order" },
    },
    {
      shuffle: described(count, 'what brings back the order in which they were played'),
      backend: described(string, 'what they were played on, if not on the kernel: virtual, virtual-logged'),
    },
  ),
};
