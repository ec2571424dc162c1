/** Where a rule comes from, in words, as a group of reports, and as a link. */
import type { Source } from '../scenario.js';

/** The source in one line. */
export function sourceText(source: Source): string {
  switch (source.kind) {
    case 'commit':
      return `commit ${source.commit} ("${source.title}")`;
    case 'manual':
      return `${source.page}, "${source.section}"`;
    case 'suite':
      return `${source.suite}: ${source.test}`;
    case 'mail':
      return `${source.list}, ${source.year}: "${source.subject}"`;
  }
}

/** The heading under which reports have it. */
export function sourceGroup(source: Source): string {
  switch (source.kind) {
    case 'commit':
      return 'kernel commits';
    case 'manual':
      return 'manual pages';
    case 'suite':
      return source.suite;
    case 'mail':
      return 'mailing lists';
  }
}

const MAINLINE = 'https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git';

/** Where to read it; undefined where no address is certain. */
export function sourceLink(source: Source): string | undefined {
  switch (source.kind) {
    case 'commit':
      return `${MAINLINE}/commit/?id=${encodeURIComponent(source.commit)}`;
    case 'manual': {
      const [, name, section] = /^([^()\s]+)\((\d)[^)]*\)$/.exec(source.page) ?? [];
      if (name === undefined || section === undefined) return undefined;
      return `https://man7.org/linux/man-pages/man${section}/${encodeURIComponent(name)}.${section}.html`;
    }
    case 'suite':
      return source.suite === 'selftests' ? `${MAINLINE}/tree/tools/testing/selftests` : SUITES[source.suite];
    case 'mail':
      return undefined;
  }
}

const SUITES: Readonly<Record<string, string>> = {
  'ptrace-tests': 'https://sourceware.org/systemtap/wiki/utrace/tests',
  ltp: 'https://github.com/linux-test-project/ltp',
  gvisor: 'https://github.com/google/gvisor',
  strace: 'https://github.com/strace/strace',
  rr: 'https://github.com/rr-debugger/rr',
  gdb: 'https://sourceware.org/gdb/',
  criu: 'https://github.com/checkpoint-restore/criu',
};
