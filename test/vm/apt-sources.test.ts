import { describe, expect, it } from 'vitest';
import { parseAptConfig } from '../../lib/vm/apt-settings.js';
import { archiveKind, findArchive, parseDeb822Sources, parseOneLineSources } from '../../lib/vm/apt-sources.js';

const plain = (entries: ReturnType<typeof parseOneLineSources>): unknown =>
  entries.map(({ options, ...rest }) => ({ ...rest, options: Object.fromEntries(options) }));

describe('sources of one line', () => {
  it('are read with options and comments', () => {
    const text = [
      '# deb http://off.invalid/debian bookworm main',
      'deb http://a.invalid/debian bookworm main contrib # everything',
      'deb-src http://a.invalid/debian bookworm main',
      '',
      '  deb [ arch=amd64,arm64 signed-by=/k/debian-archive-keyring.gpg ] mirror+file:/etc/apt/mirrors/debian.list bookworm-updates main',
      'deb [trusted=yes] file:/srv/repo ./',
      'deb http://incomplete.invalid',
    ].join('\n');
    expect(plain(parseOneLineSources(text))).toEqual([
      { uris: ['http://a.invalid/debian'], suites: ['bookworm'], components: ['main', 'contrib'], options: {} },
      {
        uris: ['mirror+file:/etc/apt/mirrors/debian.list'],
        suites: ['bookworm-updates'],
        components: ['main'],
        options: { arch: 'amd64,arm64', 'signed-by': '/k/debian-archive-keyring.gpg' },
      },
      { uris: ['file:/srv/repo'], suites: ['./'], components: [], options: { trusted: 'yes' } },
    ]);
  });
});

describe('sources in deb822 form', () => {
  it('are read with several values, comments and keys that stand in them', () => {
    const text = `# first
Types: deb deb-src
URIs: http://a.invalid/debian
# a comment within
Suites: bookworm
  bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb-src
URIs: http://source.invalid/debian
Suites: bookworm
Components: main
 \t
Enabled: no
Types: deb
URIs: http://off.invalid/debian
Suites: bookworm
Components: main

types: deb
uris: http://b.invalid/debian http://c.invalid/debian
suites: sid
components: main
`;
    expect(plain(parseDeb822Sources(text))).toEqual([
      {
        uris: ['http://a.invalid/debian'],
        suites: ['bookworm', 'bookworm-updates'],
        components: ['main'],
        options: {
          'signed-by': '\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----',
        },
      },
      {
        uris: ['http://b.invalid/debian', 'http://c.invalid/debian'],
        suites: ['sid'],
        components: ['main'],
        options: {},
      },
    ]);
  });
});

describe("the distribution's archive", () => {
  const find = (lines: readonly string[], kind: 'main' | 'security' = 'main'): string | undefined =>
    findArchive(parseOneLineSources(lines.join('\n')), kind)?.uri;

  it('is found among others', () => {
    expect(
      find([
        'deb https://vendor.invalid/linux/debian bookworm stable',
        'deb [signed-by=/k/vendor.gpg] https://vendor.invalid/debian bookworm main',
        'deb https://vendor.invalid/debian/12/prod bookworm main',
        'deb http://mirror.invalid/debian bookworm main',
        'deb http://mirror.invalid/debian-security bookworm-security main',
      ]),
    ).toBe('http://mirror.invalid/debian');
  });

  it('is told by its keyring', () => {
    expect(
      find([
        'deb http://mirror.invalid/debian bookworm main',
        'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] mirror+file:/etc/apt/mirrors/all.list bookworm main',
      ]),
    ).toBe('mirror+file:/etc/apt/mirrors/all.list');
  });

  it('the one of the security team is another', () => {
    const lines = [
      'deb http://mirror.invalid/debian trixie main',
      'deb http://security.invalid/debian-security trixie-security main',
    ];
    expect(find(lines, 'security')).toBe('http://security.invalid/debian-security');
    expect(archiveKind('trixie-security')).toBe('security');
    expect(archiveKind('trixie-backports')).toBe('main');
  });

  it('is not there where another distribution runs, nor on a disc', () => {
    expect(find(['deb http://ubuntu.invalid/ubuntu noble main', 'deb cdrom:[Debian]/ bookworm main'])).toBeUndefined();
  });
});

describe('what apt-config says', () => {
  it('is values, and lines about the network', () => {
    const text = `APT "";
Dir::Etc "etc/apt";
Acquire "";
Acquire::http::Proxy "http://proxy.invalid:3128/";
Acquire::http::Proxy::host.invalid "DIRECT";
Acquire::Check-Valid-Until "false";
Acquire::GzipIndexes "true";
APT::Update::Post-Invoke:: "rm everything";
`;
    const { values, network } = parseAptConfig(text);
    expect(values.get('dir::etc')).toBe('etc/apt');
    expect(network).toEqual([
      'Acquire::http::Proxy "http://proxy.invalid:3128/";',
      'Acquire::http::Proxy::host.invalid "DIRECT";',
      'Acquire::Check-Valid-Until "false";',
    ]);
  });
});
