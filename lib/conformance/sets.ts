/** The sets that a run can be made of. */
import { readFile } from 'node:fs/promises';
import { GENERATED, loadPart, loadParts, WRITTEN } from './parts-of-suite.js';
import type { Scenario, ScenarioEntry } from './scenario.js';

export const SETS = ['scenarios', 'matrix', 'all'] as const;

export type SetName = (typeof SETS)[number];

/** The scenarios of a set, in the order of reports. */
export async function scenariosOf(set: SetName): Promise<readonly Scenario[]> {
  switch (set) {
    case 'scenarios':
      return await loadParts(WRITTEN);
    case 'matrix':
      return await loadParts(GENERATED);
    case 'all':
      return await loadParts([...WRITTEN, ...GENERATED]);
  }
}

/** What the build writes of {@link indexText}. From lib/ and from dist/ it is as far. */
const INDEX = new URL('../../bundle/scenarios.json', import.meta.url);

async function entriesOfParts(parts: readonly string[]): Promise<readonly ScenarioEntry[]> {
  const loaded = await Promise.all(
    parts.map(async (part) => (await loadPart(part)).map((scenario) => ({ ...scenario, part }))),
  );
  return loaded.flat();
}

/** The index: the scenarios that were written one by one, without what plays them and what is right. */
export async function indexText(): Promise<string> {
  return JSON.stringify(await entriesOfParts(WRITTEN), (key, value: unknown) => (key === 'expect' ? undefined : value));
}

/**
 * What a set's scenarios say of themselves, in the order of reports. Out of the build's index where there is one: loading what plays them is left to
 * those that play them.
 */
export async function entriesOf(set: SetName): Promise<readonly ScenarioEntry[]> {
  switch (set) {
    case 'scenarios':
      try {
        return JSON.parse(await readFile(INDEX, 'utf8')) as readonly ScenarioEntry[];
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return await entriesOfParts(WRITTEN);
        throw error;
      }
    case 'matrix':
      return await entriesOfParts(GENERATED);
    case 'all':
      return [...(await entriesOf('scenarios')), ...(await entriesOf('matrix'))];
  }
}

/**
 * One of the package's scenarios.
 *
 * @param part where it is, if that is known
 */
export async function scenarioById(id: string, part?: string): Promise<Scenario | undefined> {
  const scenarios = part === undefined ? await scenariosOf('all') : await loadPart(part);
  return scenarios.find((scenario) => scenario.id === id);
}
