/** What `linux-ptrace probe` prints: grouped and short, with the names of errors. */
import type { Capability, CapabilityGroup, ProbeReport, ProbeStatus } from '../probe/index.js';

/** Colours a text by what it says. */
export type Colour = (status: ProbeStatus | 'heading', text: string) => string;

const CODES: Readonly<Record<ProbeStatus | 'heading', string>> = {
  yes: '32',
  no: '31',
  denied: '33',
  'not-here': '2',
  heading: '1',
};

const plain: Colour = (_status, text) => text;
const coloured: Colour = (status, text) => `\u001b[${CODES[status]}m${text}\u001b[0m`;

/** Colours only for a terminal, and not where NO_COLOR is set (no-color.org). */
export function colourOf(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Colour {
  const wanted = stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return wanted ? coloured : plain;
}

const TITLES: readonly (readonly [title: string, ...groups: CapabilityGroup[]])[] = [
  ['requests of ptrace(2)', 'request'],
  ['options', 'option'],
  ['events', 'event'],
  ['register sets', 'regset'],
  ['hardware breakpoints and watchpoints', 'debug'],
  ['steps', 'step'],
  ['PTRACE_GET_SYSCALL_INFO', 'syscall-info'],
  ['waits, pidfds', 'wait', 'process'],
  ['memory', 'memory'],
  ['other ABIs', 'abi'],
  ['policy', 'policy'],
];

/** Groups whose members need no words where they work. */
const LISTED: ReadonlySet<CapabilityGroup> = new Set(['request', 'option', 'event']);
const STATUSES = ['yes', 'no', 'denied'] as const;
const COLUMN = 'denied'.length;

const shortName = ({ id, group }: Capability): string =>
  id.slice(group.length + 1).replace(/^PTRACE_(O_|EVENT_)?|NT_/, '');

/** What went wrong, on few characters: the errno, or else the words. */
const reason = ({ code, detail }: Capability): string => code ?? detail;

function wrap(words: readonly string[], indent: number, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    if (line !== '' && indent + line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}

interface Entry {
  readonly status: ProbeStatus;
  readonly text: string;
}

/** An option is one entry where all its aspects are alike; else every aspect that is not is one more. */
function optionEntries(options: readonly Capability[]): Entry[] {
  const byName = new Map<string, Capability[]>();
  for (const option of options) {
    const name = shortName(option).split('.')[0] ?? '';
    byName.set(name, [...(byName.get(name) ?? []), option]);
  }
  return [...byName].flatMap(([name, aspects]): Entry[] => {
    const [first] = aspects;
    if (first === undefined) return [];
    if (aspects.every(({ status, code }) => status === first.status && code === first.code)) {
      return [{ status: first.status, text: first.status === 'yes' ? name : `${name} (${reason(first)})` }];
    }
    return aspects
      .filter(({ status }) => status !== 'yes')
      .map((each) => ({ status: each.status, text: `${shortName(each)} (${reason(each)})` }));
  });
}

function listEntries(capabilities: readonly Capability[]): Entry[] {
  if (capabilities[0]?.group === 'option') return optionEntries(capabilities);
  return capabilities.map((each) => ({
    status: each.status,
    text: each.status === 'yes' ? shortName(each) : `${shortName(each)} (${reason(each)})`,
  }));
}

function listed(capabilities: readonly Capability[], colour: Colour, width: number): string[] {
  const entries = listEntries(capabilities);
  return STATUSES.flatMap((status) => {
    const texts = entries.filter((entry) => entry.status === status).map(({ text }) => text);
    return wrap(texts, COLUMN + 4, width).map((line, index) => {
      const label = index === 0 ? status : '';
      return `  ${colour(status, label.padEnd(COLUMN))}  ${line}`;
    });
  });
}

function oneByOne(capabilities: readonly Capability[], colour: Colour): string[] {
  const here = capabilities.filter(({ status }) => status !== 'not-here');
  const column = Math.max(0, ...here.map((each) => shortName(each).length));
  return here.map((each) => {
    const detail = each.code === undefined ? each.detail : `${each.code}: ${each.detail}`;
    return `  ${colour(each.status, each.status.padEnd(COLUMN))}  ${shortName(each).padEnd(column)}  ${detail}`;
  });
}

/**
 * The report in lines.
 *
 * @param width the width of the terminal, for lists
 */
export function probeText(report: ProbeReport, colour: Colour, width: number): string[] {
  const { kernel, capabilities, cpu, node, durationMs } = report;
  const here = capabilities.filter(({ status }) => status !== 'not-here');
  const working = here.filter(({ status }) => status === 'yes').length;
  const machine = [`Linux ${kernel.release} ${kernel.machine}`, ...(cpu === undefined ? [] : [cpu]), `Node ${node}`];
  const lines = [colour('heading', machine.join(', '))];
  for (const [title, ...groups] of TITLES) {
    const members = capabilities.filter(({ group }) => groups.includes(group));
    const [first] = members;
    if (first === undefined) continue;
    lines.push('', colour('heading', title));
    lines.push(...(LISTED.has(first.group) ? listed(members, colour, width) : oneByOne(members, colour)));
  }
  const elsewhere = capabilities.length - here.length;
  lines.push('', `${working} of ${here.length} work, ${elsewhere} belong to other architectures (${durationMs} ms)`);
  return lines;
}
