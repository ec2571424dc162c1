/** Why apt or npm fetched nothing, told from their words. */

/**
 * - `gone`: the archive is there and does not have it.
 * - `unreachable`: no network, or the archive does not answer.
 * - `refused`: the archive has it, and its signature, age or checksum is wrong.
 * - `other`: anything else.
 */
export type FetchFailureKind = 'gone' | 'unreachable' | 'refused' | 'other';

export class FetchFailure extends Error {
  readonly kind: FetchFailureKind;

  constructor(kind: FetchFailureKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

const UNREACHABLE =
  /could not resolve|failure resolving|could not connect|cannot initiate the connection|unable to connect|connection (timed out|failed|refused|reset)|network is unreachable|no route to host|timed out|\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENETDOWN|ERR_SOCKET_TIMEOUT)\b/i;
const GONE =
  /\b(404|410)\b|does not have a release file|no longer has a release file|unable to locate package|no packages found|version '.*' for '.*' was not found|can't find a source to download|\b(E404|ETARGET)\b|no matching version/i;
const REFUSED =
  /is expired|is not valid yet|no_pubkey|is not signed|couldn't be verified|not authenticated|hash sum mismatch|EINTEGRITY/i;

/** Lines that say what went wrong come before those that say that something did. */
const TELLING = /^(E|W|Err|npm error|npm ERR!)\b[^:]*:?/;

const addresses = /\s*\[IP: [^\]]*\]/g;

/** @param output all that the program said */
export function fetchFailure(output: string): FetchFailure {
  const lines = output.split('\n').map((line) => line.trim());
  const told = lines.filter((line) => TELLING.test(line));
  const speaks = (pattern: RegExp): string | undefined =>
    told.find((line) => pattern.test(line)) ?? lines.find((line) => pattern.test(line));
  const [kind, line] = ((): [FetchFailureKind, string | undefined] => {
    const refused = speaks(REFUSED);
    if (refused !== undefined) return ['refused', refused];
    // A name that does not resolve is told first: that the list or package is missing then follows from it.
    const unreachable = speaks(UNREACHABLE);
    if (unreachable !== undefined) return ['unreachable', unreachable];
    const gone = speaks(GONE);
    if (gone !== undefined) return ['gone', gone];
    return ['other', told[0] ?? lines.find((each) => each !== '')];
  })();
  // npm's first line is a bare code.
  const bare = /^npm (error|ERR!) code \w+$/;
  const fuller =
    line !== undefined && bare.test(line) ? told.find((each) => each !== line && !bare.test(each)) : undefined;
  const words = (fuller ?? line ?? 'it said nothing')
    .replace(/^(E|W): /, '')
    .replace(/^npm (error|ERR!) (code )?(notarget |404 )?/, '');
  return new FetchFailure(kind, words.replaceAll(addresses, ''));
}

/** How long to wait before each further try, in milliseconds. */
const PAUSES = [300, 1000] as const;

/** Whether another try may help. */
const worthATry = (error: unknown): boolean =>
  error instanceof FetchFailure && (error.kind === 'unreachable' || error.kind === 'other');

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((fulfil, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      fulfil();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Fetches, and after short pauses fetches twice more, while that may help. */
export async function persist<T>(fetch: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  for (const wait of PAUSES) {
    try {
      return await fetch();
    } catch (error) {
      if (!worthATry(error)) throw error;
    }
    await pause(wait, signal);
  }
  return await fetch();
}
