/** What may be said to everything that fetches. */
export interface FetchOptions {
  /** Ends the fetching: its processes are ended, and nothing half done is left. */
  readonly signal?: AbortSignal | undefined;
  /** Only what is there already. */
  readonly offline?: boolean;
  /** Look for something newer than what is there already. */
  readonly refresh?: boolean;
  /** Is told in a few words what is being done. */
  readonly onProgress?: ((words: string) => void) | undefined;
}
