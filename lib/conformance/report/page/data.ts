/** What the page is given, as JSON. */

export type PageVerdict = 'pass' | 'fail' | 'skip' | 'recorded';
export type PageDifference = 'none' | 'verdict' | 'observation' | 'missing';

export interface PageKernel {
  readonly name: string;
  readonly release: string;
  readonly machine: string;
  readonly arch: string;
  readonly cpu?: string;
  readonly date: string;
  readonly interrupted: boolean;
}

/** What one kernel or several did alike. */
export interface PageKind {
  readonly verdict: PageVerdict;
  readonly reason?: string;
  readonly because?: string;
  /** Which of the row's observations it is, from 1 on; 0 when nothing was observed. */
  readonly variant: number;
}

/** A column of a row's transcripts. */
export interface PageLog {
  readonly kind: 'expected' | 'observed';
  /** Indexes of kernels. */
  readonly kernels: readonly number[];
}

/**
 * A line of a row's transcripts: a text for each column, 0 where it is that of the column before, null where there is none; and a mark for each
 * column: `w` where expected and observed disagree; `d` where all are right and it is another than in the first observation; else a blank.
 */
export type PageLine = readonly [texts: readonly (string | 0 | null)[], marks: string];

export interface PageRow {
  readonly id: string;
  readonly title: string;
  readonly group: string;
  readonly sources: readonly { readonly text: string; readonly link?: string }[];
  readonly tags: readonly string[];
  readonly rule: string;
  readonly history?: string;
  readonly since?: string;
  /** Absent when it is for every architecture. */
  readonly arch?: readonly string[];
  readonly difference: PageDifference;
  readonly kinds: readonly PageKind[];
  /** For each kernel the index of its kind, or -1 where its report has no such row. */
  readonly cells: readonly number[];
  readonly logs: readonly PageLog[];
  readonly lines: readonly PageLine[];
}

export interface PageData {
  readonly kernels: readonly PageKernel[];
  readonly rows: readonly PageRow[];
}
