/** `docs/coverage.md`: every known behaviour, and the scenario that covers it or the reason why none does. */
import type { Entry, Section } from './entry.js';

const code = (text: string): string => `\`${text}\``;
const cell = (text: string): string => text.replaceAll('|', '\\|');

function rowOf(entry: Entry): string {
  if ('not' in entry) return `| ${cell(code(entry.entry))} | - | ${cell(entry.not)} |`;
  const own = entry.by.length === 1 && entry.by[0] === entry.entry;
  const by = own ? 'the scenario of this name' : entry.by.map(code).join(', ');
  return `| ${cell(code(entry.entry))} | yes | ${cell(by)} |`;
}

const isCovered = (entry: Entry): boolean => 'by' in entry;

function sectionOf({ title, entries }: Section): string {
  const covered = entries.filter(isCovered).length;
  return [
    `## ${title}`,
    '',
    `${covered} of ${entries.length} covered.`,
    '',
    '| behaviour | covered | by, or why not |',
    '| --- | --- | --- |',
    ...entries.map(rowOf),
    '',
  ].join('\n');
}

/**
 * The text of the page.
 *
 * @param scenarios how many there are, the matrices not counted
 * @param cells of the matrices
 */
export function coverageMarkdown(sections: readonly Section[], scenarios: number, cells: number): string {
  const entries = sections.flatMap((section) => section.entries);
  const covered = entries.filter(isCovered).length;
  const first = [
    '# What the conformance suite covers',
    '',
    '<!-- Made by `npm run docs` from lib/conformance/coverage; a test compares. -->',
    '',
    `${covered} of ${entries.length} known behaviours of ptrace(2) and of the waits are covered by ${scenarios} scenarios; behaviours that are one ` +
      `share a scenario. The matrices, ${cells} cells generated from rules, come on top: every situation with every request, every situation ` +
      'with every signal, and every pair of actions whose order matters.',
    '',
    '`linux-ptrace explain NAME` tells what a scenario is about; every name below is understood where a scenario has it.',
    '',
  ].join('\n');
  return [first, ...sections.map(sectionOf)].join('\n');
}
