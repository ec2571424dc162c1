import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../../lib/conformance/catalogue.js';
import { behaviourOn, collect, headOf } from '../../../lib/conformance/kernels/collection.js';
import { readAnyReport, readCollectionOf, writeCollection } from '../../../lib/conformance/kernels/files.js';
import { mergedReport, renewedReport } from '../../../lib/conformance/kernels/merge.js';
import { restore } from '../../../lib/conformance/kernels/restore.js';
import { UnreadableReport } from '../../../lib/conformance/report/read-report.js';
import { parseReport } from '../../../lib/conformance/report/read-report.js';
import { makeReport } from '../../../lib/conformance/report/report.js';
import { changed, report, scenarios } from '../fixtures.js';
import { scratch } from '../../helpers/scratch.js';
import { byId, member, withoutDurations } from './members.js';

const ids = scenarios.map(({ id }) => id);
const other = { verdict: 'pass', observations: ['E: SEIZE = 0', 'E: poll = a surprise'] } as const;
const members = [
  member('5.10-x64', 'seize-no-trap', { ...other, expected: ['E: SEIZE = 0', 'E: poll = nothing'] }),
  member('6.1-x64'),
  member('6.1-arm64', 'block-step', { reason: 'it is for x64' }),
];

describe('a collection', () => {
  const collection = collect(members, ids);

  it('says once what kernels do alike, and names those that do otherwise', () => {
    expect(collection.kernels).toEqual(['5.10-x64', '6.1-x64', '6.1-arm64']);
    expect(collection.behaviours.map(({ id }) => id)).toEqual(ids);
    expect(collection.behaviours[0]).toEqual({
      id: 'seize-no-trap',
      usual: { verdict: 'pass', observations: ['E: SEIZE = 0', 'E: poll = nothing'] },
      unusual: [{ kernels: ['5.10-x64'], ...other }],
    });
    expect(collection.behaviours[3]).toEqual({
      id: 'race',
      usual: { verdict: 'recorded', reason: 'a race', observations: ['E: wait = exited 0'] },
    });
  });

  it('knows what each kernel does, and where it is not known', () => {
    const shorter = { id: '7.3-x64', report: report({ scenarios: scenarios.slice(1) }) };
    const [row] = collect([...members, shorter], ids).behaviours;
    expect(row?.absent).toEqual(['7.3-x64']);
    expect(behaviourOn(row!, '7.3-x64')).toBeUndefined();
    expect(behaviourOn(row!, '5.10-x64')?.observations).toEqual(other.observations);
    expect(behaviourOn(row!, '6.1-arm64')?.observations).toEqual(['E: SEIZE = 0', 'E: poll = nothing']);
  });

  it('gives back the reports that it was made of', () => {
    const wanted = members.map(({ report: each }) => withoutDurations(each));
    const restored = members.map((each) => restore(headOf(each), collection, byId));
    // Expectations are those of the catalogue; the fixtures have made one up.
    const plain = (reports: typeof restored) =>
      reports.map((each) => ({
        ...each,
        scenarios: each.scenarios.map(({ expected: _expected, because: _because, ...rest }) => rest),
      }));
    expect(plain(restored)).toEqual(plain(wanted));
    expect(restored[1]?.scenarios[0]?.expected).toEqual(['E: SEIZE = 0', 'E: poll = nothing']);
  });

  it('leaves out what the catalogue has no more', () => {
    const fewer = new Map([...byId].filter(([id]) => id !== 'race'));
    const restored = restore(headOf(members[1]!), collection, fewer);
    expect(restored.scenarios.map(({ id }) => id)).toEqual(ids.slice(0, 3));
    expect(restored.planned).toBe(3);
  });
});

describe('several reports of one kernel', () => {
  const surprise = report({ outcomes: changed('race', { observations: ['E: wait = killed by SIGKILL'] }) });

  it('become one that knows all observations, and keeps them in a collection', () => {
    const merged = mergedReport([report(), surprise, report()]);
    const race = merged.scenarios.find(({ id }) => id === 'race');
    expect(race).toMatchObject({ verdict: 'recorded', runs: { count: 3, others: [['E: wait = killed by SIGKILL']] } });
    const collection = collect([{ id: '6.18-x64', report: merged }], ids);
    const restored = restore(headOf({ id: '6.18-x64', report: merged }), collection, byId);
    expect(restored.scenarios[3]).toMatchObject({
      observations: ['E: wait = exited 0'],
      runs: { others: [['E: wait = killed by SIGKILL']] },
    });
  });

  it('have failed where their verdicts differ, and keep the verdicts', () => {
    const failing = report({
      outcomes: changed('seize-no-trap', { verdict: 'fail', observations: ['E: SEIZE = EIO'] }),
    });
    const merged = mergedReport([report(), failing]);
    expect(merged.scenarios[0]).toMatchObject({ verdict: 'fail', reason: 'unstable: pass 1, fail 1' });
    const [row] = collect([{ id: '6.18-x64', report: merged }], ids).behaviours;
    expect(row?.usual.verdicts).toEqual(['pass', 'fail']);
  });

  it('have to be of one kernel', () => {
    expect(() => mergedReport([report(), report({ release: '5.10.1' })])).toThrow(/6\.18\.0 and 5\.10\.1/);
    expect(mergedReport([surprise])).toBe(surprise);
  });
});

describe('a report that renews a known one', () => {
  const failing = report({ outcomes: changed('seize-no-trap', { verdict: 'fail' }) });
  const few = { ...failing, scenarios: failing.scenarios.slice(0, 1), planned: 1 };

  it('takes the place of the scenarios that it has', () => {
    const renewed = renewedReport(report(), few);
    expect(new Map(renewed.scenarios.map(({ id, verdict }) => [id, verdict]))).toEqual(
      new Map([
        ['seize-no-trap', 'fail'],
        ['attach-into-signal', 'fail'],
        ['block-step', 'skip'],
        ['race', 'recorded'],
      ]),
    );
    expect(renewed.planned).toBe(4);
  });

  it('takes its place as a whole when nothing is known, or another release', () => {
    expect(renewedReport(undefined, few)).toBe(few);
    expect(renewedReport(report({ release: '6.18.1' }), few)).toBe(few);
  });
});

describe('the files of a collection', () => {
  /** With scenarios of the real catalogue: what is read is restored with its words. */
  const real = catalogue().all.slice(0, 5);
  const realReport = makeReport({
    ...report(),
    package: report().package,
    begin: new Date(0),
    interrupted: false,
    scenarios: real,
    outcomes: real.map(({ id }) => ({ id, verdict: 'pass', observations: [`E: ${id} = 0`], durationMs: 1 })),
  });
  const files = () => {
    const folder = scratch();
    writeCollection(
      folder,
      [
        { id: '6.1-x64', report: realReport },
        { id: '6.12-x64', report: realReport },
      ],
      real.map(({ id }) => id),
    );
    return folder;
  };

  it('are one of behaviours and one for each kernel, a line for each observation and capability', () => {
    const folder = files();
    expect(readdirSync(folder).sort()).toEqual(['6.1-x64.json', '6.12-x64.json', 'behaviours.json']);
    const lines = readFileSync(join(folder, 'behaviours.json'), 'utf8').split('\n');
    expect(lines.filter((line) => line.trim() === `"E: ${real[0]?.id ?? ''} = 0"`)).toHaveLength(1);
    const head = readFileSync(join(folder, '6.1-x64.json'), 'utf8').split('\n');
    expect(head.filter((line) => line.includes('request.PTRACE_SEIZE'))).toHaveLength(1);
  });

  it('are read as reports, by themselves and together', async () => {
    const folder = files();
    const one = await readAnyReport(join(folder, '6.1-x64.json'));
    expect(one.scenarios.map(({ id, verdict, observations }) => [id, verdict, observations])).toEqual(
      real.map(({ id }) => [id, 'pass', [`E: ${id} = 0`]]),
    );
    expect(one.scenarios[0]?.rule).toBe(real[0]?.rule);
    expect(parseReport(JSON.stringify(one), 'it')).toEqual(one);
    expect((await readCollectionOf(folder)).map(({ id }) => id)).toEqual(['6.1-x64', '6.12-x64']);
  });

  it('of kernels that are gone are taken away', () => {
    const folder = files();
    writeCollection(folder, [{ id: '6.12-x64', report: realReport }], [real[0]?.id ?? '']);
    expect(readdirSync(folder).sort()).toEqual(['6.12-x64.json', 'behaviours.json']);
  });

  it('may be an ordinary report', async () => {
    const file = join(scratch(), 'mine.json');
    writeFileSync(file, JSON.stringify(report()));
    expect(await readAnyReport(file)).toEqual(report());
  });

  it('are refused with the reason when they are none', async () => {
    const folder = files();
    await expect(readAnyReport(join(folder, 'none.json'))).rejects.toThrow(/none\.json cannot be read: no such file/);
    writeFileSync(join(folder, 'behaviours.json'), '{"schema": "linux-ptrace/kernels/0"}');
    await expect(readAnyReport(join(folder, '6.1-x64.json'))).rejects.toThrow(
      /behaviours\.json is not of the schema linux-ptrace\/kernels\/1/,
    );
    writeFileSync(join(folder, 'behaviours.json'), '{"sch');
    await expect(readAnyReport(join(folder, '6.1-x64.json'))).rejects.toThrow(UnreadableReport);
  });
});
