/** Which known behaviours the suite covers, and why not the others. */

/** A behaviour by the name that its source has for it. */
export type Entry =
  | { readonly entry: string; readonly by: readonly [string, ...string[]] }
  /** Why it is no scenario. */
  | { readonly entry: string; readonly not: string };

/** The behaviours of one source. */
export interface Section {
  readonly title: string;
  readonly entries: readonly Entry[];
}
