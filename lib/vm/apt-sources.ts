/** The archives that the machine's own apt is set up for (sources.list(5)), in both forms of its files. */

export interface SourceEntry {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** Other options, their names in small letters: 'signed-by', which may hold a whole key, 'trusted', 'check-valid-until'. */
  readonly options: ReadonlyMap<string, string>;
}

const words = (text: string | undefined): string[] => (text ?? '').split(/\s+/).filter((word) => word !== '');

/** `deb [signed-by=/a/keyring] uri suite component...`, an entry a line. */
export function parseOneLineSources(text: string): SourceEntry[] {
  return text.split('\n').flatMap((line): SourceEntry[] => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?([^#]*)/.exec(line);
    if (match === null) return [];
    const [uri, suite, ...components] = words(match[2]);
    if (uri === undefined || suite === undefined) return [];
    const options = new Map(
      words(match[1]).map((option): [string, string] => {
        const equals = option.indexOf('=');
        return equals < 0 ? [option, ''] : [option.slice(0, equals).toLowerCase(), option.slice(equals + 1)];
      }),
    );
    return [{ uris: [uri], suites: [suite], components, options }];
  });
}

/** The fields of one paragraph; a line that begins with a blank goes on with the field before it. */
function fields(paragraph: string): Map<string, string> {
  const found = new Map<string, string>();
  let last = '';
  for (const line of paragraph.split('\n')) {
    if (line.startsWith('#')) continue;
    if (/^\s/.test(line)) {
      if (last !== '') found.set(last, `${found.get(last) ?? ''}\n${line}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    last = line.slice(0, colon).trim().toLowerCase();
    found.set(last, line.slice(colon + 1).trim());
  }
  return found;
}

const NO = /^(no|false|without|off|disable|0)$/i;

/** The deb822 form: an entry a paragraph. */
export function parseDeb822Sources(text: string): SourceEntry[] {
  return text.split(/\n(?:[ \t]*\n)+/).flatMap((paragraph): SourceEntry[] => {
    const options = fields(paragraph);
    const taken = ['types', 'uris', 'suites', 'components', 'enabled'].map((name) => {
      const value = options.get(name);
      options.delete(name);
      return value;
    });
    const [types, uris, suites, components, enabled] = taken;
    if (!words(types).includes('deb') || NO.test(enabled ?? '')) return [];
    if (words(uris).length === 0 || words(suites).length === 0) return [];
    return [{ uris: words(uris), suites: words(suites), components: words(components), options }];
  });
}

/** An archive to fetch from. */
export interface Archive {
  readonly uri: string;
  readonly options: ReadonlyMap<string, string>;
}

/** The distribution's archive, and the one of its security team. */
export type ArchiveKind = 'main' | 'security';

const RELEASES = 'oldoldstable|oldstable|stable|testing|unstable|experimental|bullseye|bookworm|trixie|forky|duke|sid';
const MAIN_SUITE = new RegExp(`^(${RELEASES})(-updates|-proposed-updates|-backports|-backports-sloppy)?$`);
const SECURITY_SUITE = new RegExp(`^(${RELEASES})-security$`);

/** Other archives have suites of the same names; the keyring and the path's end tell the distribution's own. */
function likeness({ options }: SourceEntry, uri: string): number {
  const keyring = options.get('signed-by');
  const signed = keyring === undefined ? 0 : keyring.includes('debian-archive') ? 2 : -1;
  const named = /(^|\/)debian(-security)?(\.list|\.txt)?\/?$/.test(uri) ? 1 : 0;
  return signed + named;
}

/** The archive of a kind among the machine's sources, if there is one: the likeliest, of equals the first. */
export function findArchive(entries: readonly SourceEntry[], kind: ArchiveKind): Archive | undefined {
  const suites = kind === 'main' ? MAIN_SUITE : SECURITY_SUITE;
  let best: { readonly archive: Archive; readonly score: number } | undefined;
  for (const entry of entries) {
    if (!entry.components.includes('main') || !entry.suites.some((suite) => suites.test(suite))) continue;
    for (const uri of entry.uris) {
      if (uri.startsWith('cdrom:')) continue;
      const score = likeness(entry, uri);
      if (best === undefined || score > best.score) best = { archive: { uri, options: entry.options }, score };
    }
  }
  return best?.archive;
}

/** Which archive has a suite. */
export function archiveKind(suite: string): ArchiveKind {
  return suite.endsWith('-security') ? 'security' : 'main';
}
