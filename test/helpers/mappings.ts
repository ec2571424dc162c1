import { readFileSync } from 'node:fs';

interface Mapping {
  readonly begin: bigint;
  readonly end: bigint;
  readonly permissions: string;
  readonly anonymous: boolean;
}

function mappingsOf(pid: number | 'self'): Mapping[] {
  const lines = readFileSync(`/proc/${pid}/maps`, 'latin1').trimEnd().split('\n');
  return lines.map((line) => {
    const [range = '', permissions = '', , , inode = ''] = line.split(/ +/);
    const [begin = '0', end = '0'] = range.split('-');
    return { begin: BigInt(`0x${begin}`), end: BigInt(`0x${end}`), permissions, anonymous: inode === '0' };
  });
}

/** The size of a page on this machine: 4, 16 or 64 KiB. Source: getauxval(3), AT_PAGESZ. */
export const pageSize = ((): number => {
  const AT_PAGESZ = 6n;
  const words = new BigUint64Array(new Uint8Array(readFileSync('/proc/self/auxv')).buffer);
  return Number(words[words.findIndex((word, index) => index % 2 === 0 && word === AT_PAGESZ) + 1]);
})();

const MOST_PAGES_OF_A_GUARD = 16n;
const STACK_BYTES = 64n * 1024n;

/**
 * How many stacks of spawned children this process holds: a guard page, and right above it at least 64 KiB to read and write (native/spawn.cc).
 * The number of all mappings would tell of the engine's heap as well, which grows and shrinks as it likes.
 */
export function spawnStacks(): number {
  const all = mappingsOf('self');
  return all.filter((guard, index) => {
    const above = all[index + 1];
    const size = guard.end - guard.begin;
    return (
      guard.anonymous &&
      guard.permissions.startsWith('---') &&
      size <= BigInt(pageSize) * MOST_PAGES_OF_A_GUARD &&
      above?.begin === guard.end &&
      above.anonymous &&
      above.permissions.startsWith('rw-') &&
      above.end - above.begin > STACK_BYTES
    );
  }).length;
}
