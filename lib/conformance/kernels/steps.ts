/** What changes from one kernel of a collection to the next, and between kernels of one release. */
import { differenceOf, observationKey } from '../compare/matrix.js';
import { isBefore } from '../release.js';
import { groupBy } from '../report/group.js';
import type { ScenarioReport } from '../report/report.js';
import type { Member } from './collection.js';

/** A series by its name, `6.12-arm64-16k`. */
export interface SeriesName {
  readonly release: string;
  readonly arch: string;
  /** '' for the kernel that the others of its release are compared with. */
  readonly flavour: string;
}

export function seriesName({ id, report }: Member): SeriesName {
  const [, release, arch, flavour = ''] = /^(\d+\.\d+)-([^-]+)(?:-(.+))?$/.exec(id) ?? [];
  if (release === undefined || arch === undefined) {
    return { release: /^\d+\.\d+/.exec(report.kernel.release)?.[0] ?? '0.0', arch: report.arch, flavour: id };
  }
  return { release, arch, flavour };
}

/** A behaviour that two kernels have otherwise. */
export interface Change {
  readonly id: string;
  readonly from: ScenarioReport;
  readonly to: ScenarioReport;
  /** The architectures on which it changes so. */
  readonly archs: readonly string[];
}

/** Two kernels, or two pairs of different architectures, and what they do differently. */
export interface Step {
  readonly from: string;
  readonly to: string;
  readonly archs: readonly string[];
  readonly changes: readonly Change[];
  /** What both do alike, though it is a rule on one of them only: the older one had the fix as well. */
  readonly alike: readonly string[];
}

/** Whether the verdicts differ only because one of the kernels is older than the rule. */
const isAlike = (a: ScenarioReport, b: ScenarioReport): boolean =>
  [a, b].every(({ verdict }) => verdict === 'pass' || verdict === 'recorded') &&
  observationKey(a) === observationKey(b);

/** What two kernels do differently, of what both reports have. Another reason of a skip is no difference. */
export function changesBetween(from: Member, to: Member): Change[] {
  const byId = new Map(from.report.scenarios.map((each) => [each.id, each]));
  return to.report.scenarios.flatMap((now): Change[] => {
    const before = byId.get(now.id);
    if (before === undefined || differenceOf([before, now]) === 'none') return [];
    if (isAlike(before, now) || (before.verdict === 'skip' && now.verdict === 'skip')) return [];
    return [{ id: now.id, from: before, to: now, archs: [to.report.arch] }];
  });
}

function alikeBetween(from: Member, to: Member): string[] {
  const byId = new Map(from.report.scenarios.map((each) => [each.id, each]));
  return to.report.scenarios.flatMap((now) => {
    const before = byId.get(now.id);
    return before !== undefined && before.verdict !== now.verdict && isAlike(before, now) ? [now.id] : [];
  });
}

const changeKey = ({ id, from, to }: Change): string =>
  JSON.stringify([id, from.verdict, observationKey(from), to.verdict, observationKey(to)]);

/** The same change on several architectures as one. */
function merged(changes: readonly Change[]): Change[] {
  return [...groupBy(changes, changeKey).values()].flatMap((group) =>
    group[0] === undefined ? [] : [{ ...group[0], archs: group.flatMap(({ archs }) => archs) }],
  );
}

const plain = (members: readonly Member[]): Member[] =>
  members
    .filter((member) => seriesName(member).flavour === '')
    .sort((a, b) => {
      const [one, other] = [seriesName(a).release, seriesName(b).release];
      return isBefore(one, other) ? -1 : Number(isBefore(other, one));
    });

/** From release to release, the oldest first; architectures that have the same two releases share a step. */
export function stepsOf(members: readonly Member[]): Step[] {
  const pairs = [...groupBy(plain(members), ({ report }) => report.arch).values()].flatMap((line) =>
    line.slice(1).flatMap((to, index) => {
      const from = line[index];
      return from === undefined ? [] : [{ from, to }];
    }),
  );
  const steps = groupBy(pairs, ({ from, to }) => `${seriesName(from).release} ${seriesName(to).release}`);
  return [...steps.values()]
    .map((group): Step => {
      const [first] = group;
      return {
        from: first === undefined ? '' : seriesName(first.from).release,
        to: first === undefined ? '' : seriesName(first.to).release,
        archs: group.map(({ to }) => to.report.arch),
        changes: merged(group.flatMap(({ from, to }) => changesBetween(from, to))),
        alike: [...new Set(group.flatMap(({ from, to }) => alikeBetween(from, to)))],
      };
    })
    .sort((a, b) => (isBefore(a.to, b.to) ? -1 : Number(isBefore(b.to, a.to))));
}

/** Kernels that are built in another way (page size, preemption) beside those of their release. */
export function flavourSteps(members: readonly Member[]): Step[] {
  return members.flatMap((to): Step[] => {
    const { release, arch, flavour } = seriesName(to);
    if (flavour === '') return [];
    const from = members.find((each) => {
      const name = seriesName(each);
      return name.flavour === '' && name.release === release && name.arch === arch;
    });
    return from === undefined
      ? []
      : [{ from: from.id, to: to.id, archs: [to.report.arch], changes: changesBetween(from, to), alike: [] }];
  });
}

/** The newest release that two architectures have, laid side by side. What one of them skips is no difference. */
export function architectureStep(members: readonly Member[]): Step | undefined {
  const lines = plain(members).reverse();
  for (const to of lines) {
    const from = lines.find(
      (each) => each.report.arch !== to.report.arch && seriesName(each).release === seriesName(to).release,
    );
    if (from === undefined) continue;
    const [x, y] = from.id < to.id ? [to, from] : [from, to];
    const archs = [x.report.arch, y.report.arch];
    const changes = changesBetween(x, y)
      .filter(({ from: a, to: b }) => a.verdict !== 'skip' && b.verdict !== 'skip')
      .map((change): Change => ({ ...change, archs }));
    return { from: x.id, to: y.id, archs, changes, alike: [] };
  }
  return undefined;
}

/** Kernels in the order of their releases, x64 before arm64, those that are built in another way behind the others. */
export function ordered(members: readonly Member[]): Member[] {
  const rank = (member: Member): string => {
    const { arch, flavour } = seriesName(member);
    return `${arch === 'x64' ? 0 : 1}${flavour === '' ? 0 : 1}${flavour}`;
  };
  return [...members].sort((a, b) => {
    const [one, other] = [seriesName(a).release, seriesName(b).release];
    if (rank(a) !== rank(b)) return rank(a) < rank(b) ? -1 : 1;
    return isBefore(one, other) ? -1 : Number(isBefore(other, one));
  });
}
