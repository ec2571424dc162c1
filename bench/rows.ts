/** What is measured. */
import { fileURLToPath } from 'node:url';
import {
  findPythonPtrace,
  findStrace,
  inC,
  inPython,
  lonelyCase,
  oneShotCase,
  ourCase,
  ours,
  resting,
  runBy,
} from './side.js';
import type { Measurement, Place, Side } from './side.js';
import type { Compared } from './statistics.js';

export interface Sides {
  readonly ours: Side;
  /** Absent: there is nothing to compare with. */
  readonly reference?: Side;
}

export interface Row {
  readonly id: string;
  readonly title: string;
  readonly unit: 'µs' | 'ms';
  /** What `ours` is compared with, for the reader. */
  readonly against: string;
  /** What the target is held against. */
  readonly compared: Compared;
  readonly target: number | null;
  /** Units of work in one measurement, and the number of those in a round. */
  readonly units: number;
  readonly pairs: number;
  /** Units before the first measurement: the compiler has seen the code then. */
  readonly warmUp: number;
  /** Where tracer and tracee run: on one CPU, on two, or where the kernel puts them. */
  readonly where: 'same-cpu' | 'two-cpus' | 'free';
  /** The most rounds that make sense; dear rows take fewer. */
  readonly mostRounds?: number;
  /** What cannot be had here; the row is left out for that reason. */
  readonly missing?: () => string | undefined;
  readonly open: (place: Place) => Promise<Sides>;
  /** Something else worth knowing, out of the last measurement of each side. */
  readonly note?: (ours: Measurement, reference: Measurement | undefined) => string;
}

const THREADS = '64';
const RESTING_THREADS = '1000';
const HOT = { unit: 'µs', compared: 'ratio', units: 1500, pairs: 25, warmUp: 20_000, where: 'same-cpu' } as const;
const python = findPythonPtrace();
const script = fileURLToPath(new URL('tracer.py', import.meta.url));

function noStrace(): string | undefined {
  return findStrace() === undefined ? 'strace is not installed' : undefined;
}

const leastMost = ({ more }: Measurement): string => `${String(more['least'])}-${String(more['most'])}`;

export const rows: readonly Row[] = [
  {
    ...HOT,
    id: 'sync-loop',
    title: 'a stop, synchronous loop on raw/',
    against: 'C',
    target: 1.1,
    open: async (place) => ({ ours: await ours(place, 'synchronous'), reference: await inC(place, 'one') }),
  },
  {
    ...HOT,
    id: 'await-resume',
    title: "a stop, await tracee.resume('syscall')",
    against: 'C',
    target: 1.2,
    open: async (place) => ({ ours: await ours(place, 'await'), reference: await inC(place, 'one') }),
  },
  {
    ...HOT,
    id: 'engine-1',
    title: 'a stop, one engine that wants system calls',
    against: "await tracee.resume('syscall')",
    target: 1.15,
    open: async (place) => ({
      ours: await ourCase(place, 'engines', ['1'], ['loop', '1']),
      reference: await ours(place, 'await'),
    }),
  },
  {
    ...HOT,
    id: 'engine-3',
    title: 'a stop, three engines that want system calls',
    against: "await tracee.resume('syscall')",
    target: 1.5,
    open: async (place) => ({
      ours: await ourCase(place, 'engines', ['3'], ['loop', '1']),
      reference: await ours(place, 'await'),
    }),
  },
  {
    ...HOT,
    id: 'for-await-64',
    title: 'a stop of 64 threads, for await (const stop of tracer)',
    against: 'C, draining all first',
    target: 1.4,
    units: 3200,
    pairs: 20,
    warmUp: 25_600,
    open: async (place) => ({
      ours: await ours(place, 'iterate', ['loop', THREADS]),
      reference: await inC(place, 'many', ['loop', THREADS]),
    }),
    note: (own, reference) =>
      `stops of a thread: ${leastMost(own)}${reference === undefined ? '' : `, C ${leastMost(reference)}`}`,
  },
  {
    ...HOT,
    id: 'await-200-children',
    title: 'a stop, await, 200 idle child_process children',
    against: 'C without children',
    target: 1.6,
    open: async (place) => ({ ours: await ours(place, 'await-among-children'), reference: await inC(place, 'one') }),
  },
  {
    ...HOT,
    id: 'registers',
    title: 'all general registers by name at a stop',
    against: 'GETREGSET in C',
    compared: 'difference',
    target: 1,
    open: async (place) => ({ ours: await ours(place, 'registers'), reference: await inC(place, 'registers') }),
  },
  {
    ...HOT,
    id: 'memory-64',
    title: 'tracee.memory.read(address, 64)',
    against: 'process_vm_readv in C',
    target: 1.5,
    units: 10_000,
    warmUp: 40_000,
    open: async (place) => ({ ours: await ours(place, 'memory'), reference: await inC(place, 'memory') }),
  },
  {
    id: 'spawn-rss',
    title: 'spawn of /bin/true to its first stop, 500 MB of RSS',
    against: 'with 50 MB',
    unit: 'ms',
    compared: 'ratio',
    target: 2,
    units: 1,
    pairs: 20,
    warmUp: 20,
    where: 'same-cpu',
    mostRounds: 3,
    open: async (place) => ({
      ours: await lonelyCase(place, 'spawn', '500'),
      reference: await lonelyCase(place, 'spawn', '50'),
    }),
    note: (own, reference) =>
      `RSS ${(own.more['megabytes'] ?? 0).toFixed(0)} MB, ${(reference?.more['megabytes'] ?? 0).toFixed(0)} MB`,
  },
  {
    id: 'import',
    title: 'import() until the first request has returned',
    against: '-',
    unit: 'ms',
    compared: 'ours',
    target: 30,
    units: 1,
    pairs: 5,
    warmUp: 1,
    where: 'free',
    open: (place) => Promise.resolve({ ours: oneShotCase(place, 'import', () => resting(place)) }),
  },
  {
    id: 'probe',
    title: 'probe()',
    against: '-',
    unit: 'ms',
    compared: 'ours',
    target: 200,
    units: 1,
    pairs: 3,
    warmUp: 1,
    where: 'free',
    mostRounds: 3,
    open: (place) =>
      Promise.resolve({
        ours: oneShotCase(place, 'probe', () => Promise.resolve({ args: [], done: () => Promise.resolve() })),
      }),
  },
  {
    id: 'latency',
    title: 'asleep: from the call to the tracer, 1 ms between calls',
    against: 'C',
    unit: 'µs',
    compared: 'ratio',
    target: null,
    units: 100,
    pairs: 3,
    warmUp: 100,
    where: 'same-cpu',
    mostRounds: 3,
    open: async (place) => ({
      ours: await ours(place, 'latency', ['slow', '1000']),
      reference: await inC(place, 'latency', ['slow', '1000']),
    }),
  },
  {
    id: 'storm-gap-await',
    title: 'longest gap of a timer, stops without end, await',
    against: '-',
    unit: 'ms',
    compared: 'ours',
    target: null,
    units: 500,
    pairs: 3,
    warmUp: 200,
    where: 'same-cpu',
    mostRounds: 3,
    open: async (place) => ({ ours: perSlice(await ourCase(place, 'storm', ['await'], ['loop', '1'])) }),
    note: ({ more }) => `${String(more['turns'])} turns, ${String(more['stops'])} stops`,
  },
  {
    id: 'storm-gap-iterate',
    title: 'longest gap of a timer, stops of 64 threads, for await',
    against: '-',
    unit: 'ms',
    compared: 'ours',
    target: null,
    units: 500,
    pairs: 3,
    warmUp: 200,
    where: 'same-cpu',
    mostRounds: 3,
    open: async (place) => ({ ours: perSlice(await ourCase(place, 'storm', ['iterate'], ['loop', THREADS])) }),
    note: ({ more }) => `${String(more['turns'])} turns, ${String(more['stops'])} stops`,
  },
  {
    id: 'idle-1000',
    title: 'CPU time in 2 s with 1,000 resting traced threads',
    against: '-',
    unit: 'ms',
    compared: 'ours',
    target: null,
    units: 2000,
    pairs: 1,
    warmUp: 0,
    where: 'same-cpu',
    mostRounds: 2,
    open: async (place) => ({ ours: perSlice(await ourCase(place, 'idle', [], ['rest', RESTING_THREADS])) }),
    note: ({ more }) => `${String(more['tracees'])} tracees`,
  },
  {
    ...HOT,
    id: 'two-cpus',
    title: 'a stop, await, tracer and tracee on different CPUs',
    against: 'C, the same',
    target: null,
    where: 'two-cpus',
    mostRounds: 3,
    open: async (place) => ({ ours: await ours(place, 'await'), reference: await inC(place, 'one') }),
  },
  {
    ...HOT,
    id: 'colocate',
    title: "a stop, await, colocate: 'on'",
    against: 'C where the kernel puts it',
    target: null,
    where: 'free',
    mostRounds: 3,
    open: async (place) => ({ ours: await ours(place, 'await-colocated'), reference: await inC(place, 'one') }),
  },
  {
    ...HOT,
    id: 'strace-c',
    title: 'a stop, await',
    against: 'strace -c',
    target: null,
    mostRounds: 3,
    missing: noStrace,
    open: async (place) => ({
      ours: await ours(place, 'await'),
      reference: runBy(place, 'strace', '-c', '-o', '/dev/null'),
    }),
  },
  {
    ...HOT,
    id: 'strace-f',
    title: 'a stop, await',
    against: 'strace -f -o /dev/null',
    target: null,
    mostRounds: 3,
    missing: noStrace,
    open: async (place) => ({
      ours: await ours(place, 'await'),
      reference: runBy(place, 'strace', '-f', '-o', '/dev/null'),
    }),
  },
  {
    ...HOT,
    id: 'python-ptrace',
    title: 'a stop, await',
    against: 'python-ptrace',
    target: null,
    mostRounds: 3,
    missing: () => (python === undefined ? 'python-ptrace is not installed' : undefined),
    open: async (place) => ({
      ours: await ours(place, 'await'),
      reference: await inPython(place, python ?? '', script),
    }),
  },
];

/** The whole measurement is the number, not its part by unit. */
function perSlice(side: Side): Side {
  return {
    measure: async (units) => {
      const { more } = await side.measure(units);
      return { ns: more.ns, more };
    },
    stop: () => side.stop(),
  };
}
