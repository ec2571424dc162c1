/**
 * A scenario: one behaviour of ptrace(2) or of the waits, as a small program and a transcript.
 *
 * The program ({@link Scenario.play}) makes processes, requests and waits on a {@link Stage}, which writes down what each of them gave: that is
 * the observation, what this kernel *does*. What is *right* is the expectation, a transcript beside it; where kernels differ, one for each
 * range of versions. Pids, addresses and times never get into an observation, so those of two kernels can be laid side by side.
 */
import type { HostArch } from '../kernel/arch/host.js';
import type { Need } from './needs.js';
import type { Stage } from './stage.js';

/** Where a rule comes from. */
export type Source =
  /** A commit of the mainline kernel. */
  | { readonly kind: 'commit'; readonly commit: string; readonly title: string }
  /** A section of a manual page, such as `ptrace(2)`, "Group-stop". */
  | { readonly kind: 'manual'; readonly page: string; readonly section: string }
  /** A test of another suite, by that suite's name for it. */
  | { readonly kind: 'suite'; readonly suite: Suite; readonly test: string }
  /** A message on a mailing list. */
  | { readonly kind: 'mail'; readonly list: string; readonly subject: string; readonly year: number };

export type Suite = 'ptrace-tests' | 'selftests' | 'ltp' | 'gvisor' | 'strace' | 'rr' | 'gdb' | 'criu';

export const commit = (id: string, title: string): Source => ({ kind: 'commit', commit: id, title });
export const manual = (page: string, section: string): Source => ({ kind: 'manual', page, section });
export const suite = (name: Suite, test: string): Source => ({ kind: 'suite', suite: name, test });
export const mail = (list: string, subject: string, year: number): Source => ({ kind: 'mail', list, subject, year });

/** A kernel release, `major.minor`. */
export type Release = `${number}.${number}`;

/** An expectation that holds on some kernels only. The first one that fits is taken. */
export interface Variant {
  /** From this release on. */
  readonly since?: Release;
  /** Up to the release before this one. */
  readonly before?: Release;
  readonly arch?: HostArch;
  /** Why it is so there: what changed, and the commit. */
  readonly because: string;
  readonly transcript: string;
}

/** What a scenario says of itself: plain data. */
export interface ScenarioEntry {
  /** Its name for good, in reports of all versions: that of the suite that it comes from, or one of its own. */
  readonly id: string;
  /** The behaviour in one sentence. */
  readonly title: string;
  /** The first is where it comes from; others state the same rule. */
  readonly source: readonly [Source, ...Source[]];
  /** Other names of the same behaviour, which this scenario covers too. */
  readonly also?: readonly string[];
  /** Topics, for filters: `seize`, `group-stop`, `exec`. */
  readonly tags: readonly [string, ...string[]];
  /** The rule in words: why the kernel does it, what went wrong before, what it means for a tracer. */
  readonly rule: string;
  /** Only on these architectures; everywhere without it. */
  readonly arch?: readonly HostArch[];
  /** The first release with this behaviour. On older kernels it is only recorded. */
  readonly since?: Release;
  /** How it came to be: releases that had it otherwise, in words. */
  readonly history?: string;
  /** What must be there, found by trying: without it the scenario is skipped with the reason. */
  readonly needs?: readonly Need[];
  /** Why no kernel is right or wrong here: what is observed is only recorded. */
  readonly recorded?: string;
  /** How long it may take, in milliseconds, before it is killed. Default {@link DEADLINE_MILLIS}. */
  readonly deadline?: number;
  /** Why no other scenario may run beside it: it measures time or CPUs. */
  readonly alone?: string;
  /** The part of the package's suite that has it. */
  readonly part?: string;
}

export interface Scenario extends ScenarioEntry {
  /** The steps. What it throws is a failure of the scenario itself. */
  play(stage: Stage): void;
  /** The transcript that is right, or one for each range of kernels. A missing one goes with {@link recorded}. */
  readonly expect?: string | readonly Variant[];
}

export const DEADLINE_MILLIS = 15_000;

/** A scenario; its id and transcript are looked at when the catalogue is put together. */
export function scenario(definition: Scenario): Scenario {
  return definition;
}
