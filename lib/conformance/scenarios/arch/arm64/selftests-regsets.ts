/** The small register sets of arm64: thread pointers, pointer authentication, tagged addresses, memory tags, the guarded control stack. */
import { NT } from '../../../../kernel/regsets.js';
import { getRegset, peekMteTags, pokeMteTags, setRegset } from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { LARGEST_PAGE, PRIVATE_ANONYMOUS, READ_WRITE } from '../../../parts/memory-map.js';
import { commit, scenario, suite, type Scenario } from '../../../scenario.js';
import type { Stage } from '../../../stage.js';

const abi = suite('selftests', 'arm64/abi/ptrace.c');
const second = commit('0027d9c6c7b5', 'arm64/ptrace: Support access to TPIDR2_EL0');

const PROT_MTE = 0x20;
const PR_GET_TAGGED_ADDR_CTRL = 56;

const hex = (words: Iterable<bigint>): string => [...words].map((word) => `0x${word.toString(16)}`).join(' ');

/** So many words of a set, as much as there is of them. */
function words(e: Actor, type: number, count: number): BigUint64Array {
  const bytes = Uint8Array.from(getRegset(e.tid, type, new Uint8Array(8 * count)));
  return new BigUint64Array(bytes.buffer, 0, bytes.length >> 3);
}

function set(e: Actor, what: string, type: number, ...values: bigint[]): void {
  e.observe(
    what,
    e.stage.attempt(() => setRegset(e.tid, type, new BigUint64Array(values))),
  );
}

/** In a stop by SIGUSR1; it goes on to one by SIGUSR2. */
function twoStops(s: Stage): Actor {
  return s.unrecorded(() => {
    const e = s.tracee('E', (c) => c.tgkillSelf('SIGUSR1').tgkillSelf('SIGUSR2').exitGroup(0));
    e.cont();
    e.wait();
    return e;
  });
}

function toSecond(e: Actor): void {
  e.cont();
  e.wait();
}

/** Whether the CPU has the matrix extension, which has the second thread pointer. */
function hasMatrix(e: Actor): boolean {
  return e.stage.attempt(() => getRegset(e.tid, NT.ARM_ZA)) === '0';
}

export const arm64Regsets: readonly Scenario[] = [
  scenario({
    id: 'tls-regset',
    title: 'NT_ARM_TLS reads and writes the thread pointer of a tracee',
    source: [abi],
    tags: ['regset', 'tls'],
    rule:
      'TPIDR_EL0 is in no other set. What is written is loaded when the tracee runs, and is there at its next stop. A buffer of 8 bytes is enough for it also ' +
      'where the set has more.',
    arch: ['arm64'],
    needs: ['regset.NT_ARM_TLS'],
    play(s) {
      const e = twoStops(s);
      set(e, 'SETREGSET', NT.ARM_TLS, 0x1234_5678_9ab0n);
      e.observe('read back', hex(words(e, NT.ARM_TLS, 1)));
      toSecond(e);
      e.observe('at the next stop', hex(words(e, NT.ARM_TLS, 1)));
    },
    expect: `
      E: SETREGSET = 0
      E: read back = 0x123456789ab0
      E: CONT = 0
      E: wait = stopped by SIGUSR2
      E: at the next stop = 0x123456789ab0
    `,
  }),

  scenario({
    id: 'tls-regset-second',
    title: 'The second word of NT_ARM_TLS is TPIDR2, which a write of the first alone leaves as it is',
    source: [abi, second],
    tags: ['regset', 'tls', 'sme'],
    rule: 'The set grew with the matrix extension. Programs that know only of one word go on to read and write that one.',
    arch: ['arm64'],
    since: '6.1',
    needs: ['regset.NT_ARM_TLS', 'regset.NT_ARM_ZA'],
    play(s) {
      const e = twoStops(s);
      set(e, 'SETREGSET of both', NT.ARM_TLS, 0x1000n, 0x2000n);
      e.observe('read back', hex(words(e, NT.ARM_TLS, 2)));
      set(e, 'SETREGSET of the first', NT.ARM_TLS, 0x3000n);
      e.observe('read back', hex(words(e, NT.ARM_TLS, 2)));
      toSecond(e);
      e.observe('at the next stop', hex(words(e, NT.ARM_TLS, 2)));
    },
    expect: `
      E: SETREGSET of both = 0
      E: read back = 0x1000 0x2000
      E: SETREGSET of the first = 0
      E: read back = 0x3000 0x2000
      E: CONT = 0
      E: wait = stopped by SIGUSR2
      E: at the next stop = 0x3000 0x2000
    `,
  }),

  scenario({
    id: 'tls-regset-second-absent',
    title: 'Without the matrix extension the second word of NT_ARM_TLS reads as 0, and a write to it is dropped',
    source: [abi, second],
    tags: ['regset', 'tls'],
    rule: 'The set has the same length on every CPU, so that a tracer need not ask which one it is on.',
    arch: ['arm64'],
    since: '6.1',
    needs: ['regset.NT_ARM_TLS'],
    play(s) {
      const e = twoStops(s);
      if (hasMatrix(e)) s.skip('this CPU has the second thread pointer');
      set(e, 'SETREGSET of both', NT.ARM_TLS, 0x1000n, 0x2000n);
      e.observe('read back', hex(words(e, NT.ARM_TLS, 2)));
    },
    expect: `
      E: SETREGSET of both = 0
      E: read back = 0x1000 0x0
    `,
  }),

  scenario({
    id: 'pac-mask-regset',
    title: 'NT_ARM_PAC_MASK tells which bits of a pointer are its signature; it cannot be written',
    source: [commit('ec6e822d1a22', 'arm64: expose user PAC bit positions via ptrace')],
    tags: ['regset', 'pac', 'errors'],
    rule: 'A debugger has to remove the signature from return addresses. The masks are the machine’s, so there is nothing to set: EOPNOTSUPP.',
    arch: ['arm64'],
    since: '5.0',
    needs: ['regset.NT_ARM_PAC_MASK'],
    play(s) {
      const e = twoStops(s);
      const masks = words(e, NT.ARM_PAC_MASK, 2);
      e.observe('masks', masks.length);
      e.observe('empty masks', masks.filter((mask) => mask === 0n).length);
      set(e, 'SETREGSET', NT.ARM_PAC_MASK, ...masks);
    },
    expect: `
      E: masks = 2
      E: empty masks = 0
      E: SETREGSET = EOPNOTSUPP
    `,
  }),

  scenario({
    id: 'tagged-addr-regset',
    title: 'NT_ARM_TAGGED_ADDR_CTRL is what the tracee sees by prctl, and refuses unknown bits',
    source: [commit('2200aa7154cb', 'arm64: mte: ptrace: Add NT_ARM_TAGGED_ADDR_CTRL regset')],
    tags: ['regset', 'mte', 'errors'],
    rule: 'The tracer sets for another thread what prctl(2), PR_SET_TAGGED_ADDR_CTRL, sets for the caller, under the same rules.',
    arch: ['arm64'],
    since: '5.10',
    needs: ['regset.NT_ARM_TAGGED_ADDR_CTRL'],
    play(s) {
      const e = s.unrecorded(() => {
        const tracee = s.tracee('E', (c) =>
          c
            .tgkillSelf('SIGUSR1')
            .prctl(PR_GET_TAGGED_ADDR_CTRL, 0, 0, 0, 0)
            .store('prctl')
            .tgkillSelf('SIGUSR2')
            .exitGroup(0),
        );
        tracee.cont();
        tracee.wait();
        return tracee;
      });
      e.observe('before', hex(words(e, NT.ARM_TAGGED_ADDR_CTRL, 1)));
      set(e, 'SETREGSET of 1', NT.ARM_TAGGED_ADDR_CTRL, 1n);
      set(e, 'SETREGSET of bit 62', NT.ARM_TAGGED_ADDR_CTRL, 1n | (1n << 62n));
      e.observe('read back', hex(words(e, NT.ARM_TAGGED_ADDR_CTRL, 1)));
      toSecond(e);
      e.result('prctl');
    },
    expect: `
      E: before = 0x0
      E: SETREGSET of 1 = 0
      E: SETREGSET of bit 62 = EINVAL
      E: read back = 0x1
      E: CONT = 0
      E: wait = stopped by SIGUSR2
      E: prctl = 1
    `,
  }),

  scenario({
    id: 'mte-tags',
    title: 'POKEMTETAGS and PEEKMTETAGS write and read the tags of memory that was mapped for it, up to its end',
    source: [commit('18ddbaa02b7a', 'arm64: mte: ptrace: Add PTRACE_{PEEK,POKE}MTETAGS support')],
    tags: ['mte', 'memory', 'errors'],
    rule:
      'One byte a granule of 16 bytes. How many there were comes back as the length of the vector: fewer where the memory ends. Memory without PROT_MTE has no ' +
      'tags; the documentation has EOPNOTSUPP for that, kernels answer EIO as for memory that is not there.',
    arch: ['arm64'],
    since: '5.10',
    needs: ['request.PTRACE_PEEKMTETAGS', 'request.PTRACE_POKEMTETAGS'],
    play(s) {
      const e = s.unrecorded(() => {
        const tracee = s.tracee('E', (c) => {
          const map = (name: string, size: number, prot: number): void => {
            c.syscall('mmap', 0, size, prot, PRIVATE_ANONYMOUS, -1, 0).store(name);
          };
          map('tagged', 2 * LARGEST_PAGE, READ_WRITE | PROT_MTE);
          map('plain', LARGEST_PAGE, READ_WRITE);
          c.compute(c.word('tagged'), 'add', LARGEST_PAGE).store('end').syscall('munmap', c.word('end'), LARGEST_PAGE);
          c.storeAt(c.word('tagged'), 1).storeAt(c.word('plain'), 1).tgkillSelf('SIGUSR1').exitGroup(0);
        });
        tracee.cont();
        tracee.wait();
        return tracee;
      });
      const tags = (what: string, request: () => number): void => {
        let count = 0;
        const result = s.attempt(() => {
          count = request();
        });
        e.observe(what, result === '0' ? count : result);
      };
      const [tagged, plain, end] = [e.word('tagged'), e.word('plain'), e.word('end')];
      const read = new Uint8Array(4);
      tags('POKEMTETAGS of 4', () => pokeMteTags(e.tid, tagged, new Uint8Array([1, 2, 3, 15])));
      tags('PEEKMTETAGS of 4', () => peekMteTags(e.tid, tagged, read));
      e.observe('tags', read.join(' '));
      tags('PEEKMTETAGS of 4 from inside the second granule', () => peekMteTags(e.tid, tagged + 24n, read));
      e.observe('tags', read.join(' '));
      tags('PEEKMTETAGS of 8 at the last 4', () => peekMteTags(e.tid, end - 64n, new Uint8Array(8)));
      tags('PEEKMTETAGS behind the end', () => peekMteTags(e.tid, end, new Uint8Array(8)));
      tags('PEEKMTETAGS of memory without tags', () => peekMteTags(e.tid, plain, new Uint8Array(8)));
      tags('POKEMTETAGS of memory without tags', () => pokeMteTags(e.tid, plain, new Uint8Array(8)));
    },
    expect: `
      E: POKEMTETAGS of 4 = 4
      E: PEEKMTETAGS of 4 = 4
      E: tags = 1 2 3 15
      E: PEEKMTETAGS of 4 from inside the second granule = 4
      E: tags = 2 3 15 0
      E: PEEKMTETAGS of 8 at the last 4 = 4
      E: PEEKMTETAGS behind the end = EIO
      E: PEEKMTETAGS of memory without tags = EIO | EOPNOTSUPP
      E: POKEMTETAGS of memory without tags = EIO | EOPNOTSUPP
    `,
  }),

  scenario({
    id: 'gcs-regset',
    title:
      'NT_ARM_GCS holds the features, their locks and the pointer of the guarded control stack, and refuses unknown features',
    source: [suite('selftests', 'arm64/gcs/libc-gcs.c')],
    tags: ['regset', 'gcs', 'errors'],
    rule:
      'Three words, as prctl(2), PR_SET_SHADOW_STACK_STATUS and PR_LOCK_SHADOW_STACK_STATUS, have them. Locks bind the tracee, not its tracer. A refused write ' +
      'changes none of the words.',
    arch: ['arm64'],
    since: '6.13',
    needs: ['regset.NT_ARM_GCS'],
    play(s) {
      const e = twoStops(s);
      const [enabled = 0n, , pointer = 0n] = words(e, NT.ARM_GCS, 3);
      if (enabled !== 0n) s.skip('the tracee has a guarded control stack already');
      set(e, 'SETREGSET of an unknown feature', NT.ARM_GCS, 1n << 40n, 1n, pointer);
      e.observe('features and locks', hex(words(e, NT.ARM_GCS, 2)));
      set(e, 'SETREGSET of locks', NT.ARM_GCS, 0n, 7n, pointer);
      e.observe('features and locks', hex(words(e, NT.ARM_GCS, 2)));
      set(e, 'SETREGSET of none', NT.ARM_GCS, 0n, 0n, pointer);
      e.observe('features and locks', hex(words(e, NT.ARM_GCS, 2)));
    },
    expect: `
      E: SETREGSET of an unknown feature = EINVAL
      E: features and locks = 0x0 0x0
      E: SETREGSET of locks = 0
      E: features and locks = 0x0 0x7
      E: SETREGSET of none = 0
      E: features and locks = 0x0 0x0
    `,
  }),
];
