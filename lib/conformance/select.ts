/** Which scenarios are meant: by name, source, topic and architecture. */
import { hostArch, type HostArch } from '../kernel/arch/host.js';
import type { ScenarioEntry, Source } from './scenario.js';

/** Of each kind, one that fits is enough; every kind that is given must fit. */
export interface Selection {
  /** Globs of ids and other names. */
  readonly filters?: readonly string[];
  /** Globs of those that are left out, whatever else fits: what would bring a kernel down. */
  readonly except?: readonly string[];
  /** Kinds of sources, suites, commits, manual pages, mailing lists. */
  readonly sources?: readonly string[];
  readonly tags?: readonly string[];
  /** Machines on which it applies. */
  readonly archs?: readonly string[];
}

/** A word that fits nothing, or words that fit nothing together. */
export class SelectionError extends Error {}

/** `*` stands for any characters, `?` for one. */
export function globPattern(glob: string): RegExp {
  const escaped = glob.replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}

const COMMIT = /^[0-9a-f]{7,40}$/;

function comesFrom(source: Source, word: string): boolean {
  if (source.kind === word) return true;
  switch (source.kind) {
    case 'commit':
      return COMMIT.test(word) && (source.commit.startsWith(word) || word.startsWith(source.commit));
    case 'manual':
      return source.page === word || source.page.replace(/\(.*\)$/, '') === word;
    case 'suite':
      return source.suite === word;
    case 'mail':
      return source.list === word;
  }
}

type Test = (scenario: ScenarioEntry, word: string) => boolean;

const named: Test = ({ id, also = [] }, glob) => {
  const pattern = globPattern(glob);
  return [id, ...also].some((name) => pattern.test(name));
};
const unnamed = (glob: string): string => `no scenario is called '${glob}'; --list shows all`;
const from: Test = ({ source }, word) => source.some((each) => comesFrom(each, word));
const about: Test = ({ tags }, word) => tags.includes(word);
const on: Test = ({ arch }, word) => {
  const machine: HostArch | undefined = hostArch(word);
  return machine !== undefined && (arch === undefined || arch.includes(machine));
};

interface Kind {
  readonly words: readonly string[] | undefined;
  readonly fits: Test;
  /** What to say of a word that fits no scenario at all. */
  readonly complain: (word: string, all: readonly ScenarioEntry[]) => string;
}

const sorted = (words: Iterable<string>): string => [...new Set(words)].sort().join(', ');

function kindsOf({ filters, sources, tags, archs }: Selection): readonly Kind[] {
  return [
    { words: filters, fits: named, complain: unnamed },
    {
      words: sources,
      fits: from,
      complain: (word, all) => {
        const known = all.flatMap(({ source }) =>
          source.map((each) => (each.kind === 'suite' ? each.suite : each.kind)),
        );
        return `no scenario comes from '${word}'; there are ${sorted(known)}, ids of commits and names of manual pages`;
      },
    },
    {
      words: tags,
      fits: about,
      complain: (word, all) =>
        `no scenario has the tag '${word}'; there are ${sorted(all.flatMap((each) => each.tags))}`,
    },
    {
      words: archs,
      fits: on,
      complain: (word) => `nothing is known of the architecture '${word}'; there are x64, arm64`,
    },
  ];
}

/**
 * The scenarios that a selection names, in their order.
 *
 * @throws SelectionError for a word that fits none, and when no scenario is left
 */
export function select<T extends ScenarioEntry>(all: readonly T[], selection: Selection): T[] {
  const kinds = kindsOf(selection);
  for (const { words = [], fits, complain } of kinds) {
    for (const word of words) {
      if (!all.some((scenario) => fits(scenario, word))) throw new SelectionError(complain(word, all));
    }
  }
  const { except = [] } = selection;
  for (const glob of except) {
    if (!all.some((scenario) => named(scenario, glob))) throw new SelectionError(unnamed(glob));
  }
  const chosen = all.filter(
    (scenario) =>
      kinds.every(({ words, fits }) => words === undefined || words.some((word) => fits(scenario, word))) &&
      !except.some((glob) => named(scenario, glob)),
  );
  if (chosen.length === 0) throw new SelectionError('no scenario fits all of these together');
  return chosen;
}
