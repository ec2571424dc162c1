/** PTRACE_PEEKSIGINFO: the queues of pending signals. */
import { PTRACE, PTRACE_PEEKSIGINFO_SHARED, STRUCT_SIZE } from '../../../kernel/requests.js';
import { SIG, signalName } from '../../../kernel/signals.js';
import { encodePeeksiginfoArgs } from '../../../kernel/structs.js';
import { peekSiginfo, type PeekSiginfoOptions } from '../../../raw/index.js';
import type { Actor } from '../../actor.js';
import { LARGEST_PAGE, PRIVATE_ANONYMOUS, PROT, READ_WRITE } from '../../parts/memory-map.js';
import { traceChild, traceSleeping } from '../../parts/tracing.js';
import { commit, manual, scenario, suite, type Scenario } from '../../scenario.js';
import type { Stage } from '../../stage.js';

const implement = commit('84c751bd4aeb', 'ptrace: add ability to retrieve signals without removing from a queue (v4)');
const selftest = suite('selftests', 'ptrace/peeksiginfo.c');
const page = manual('ptrace(2)', 'PTRACE_PEEKSIGINFO');

/** A tracee in the stop of an INTERRUPT that blocks signals. */
function blocker(s: Stage): Actor {
  const e = s.child('E', (c) =>
    c.block('SIGUSR1', 'SIGUSR2', 'SIGTERM', 'SIGHUP', 'SIGRTMIN').loop((again) => again.pause()),
  );
  // With the signals blocked it comes to its pause.
  traceSleeping(e, 'seize');
  s.unrecorded(() => {
    e.mustSucceed(e.interrupt(), 'INTERRUPT');
    e.expectStop(SIG.SIGTRAP);
  });
  return e;
}

/** The signals that one request gives, in their order. */
function peek(e: Actor, what: string, options: PeekSiginfoOptions): void {
  let signals = '';
  const result = e.stage.attempt(() => {
    signals = peekSiginfo(e.tid, options)
      .map(({ decoded }) => `${signalName(decoded.signal)} ${decoded.codeName}`)
      .join(', ');
  });
  e.observe(`PEEKSIGINFO ${what}`, result === '0' ? signals || 'none' : result);
}

/** What `peeksiginfo-errors` expects. */
const errors = (beyondInt: string): string => `
      E: PEEKSIGINFO of 4 = 2
      E: PEEKSIGINFO with flags ~0 = EINVAL
      E: PEEKSIGINFO with flags 2 = EINVAL
      E: PEEKSIGINFO with flags 2 | SHARED = EINVAL
      E: PEEKSIGINFO of -1 = EINVAL
      E: PEEKSIGINFO of 0 = 0
      E: PEEKSIGINFO of 0 into nowhere = 0
      E: PEEKSIGINFO from 1 = 1
      E: PEEKSIGINFO from 2 = 0
      E: PEEKSIGINFO from 1000 = 0
      E: PEEKSIGINFO from -1 = 0
      E: PEEKSIGINFO from 2^32 = ${beyondInt}
      E: PEEKSIGINFO into nowhere = EFAULT
      E: PEEKSIGINFO by no arguments = EFAULT
`;

export const peeksiginfo: readonly Scenario[] = [
  scenario({
    id: 'peeksiginfo-queues',
    title:
      'PEEKSIGINFO lists the pending signals of the thread, or of the process, in the order they came, and takes none',
    source: [selftest, implement, page],
    tags: ['peeksiginfo', 'pending'],
    rule:
      'There are two queues: of signals to the thread and, with PTRACE_PEEKSIGINFO_SHARED, of those to the process. What a checkpoint saves from them stays ' +
      'pending. A standard signal is in a queue once, a realtime signal as often as it was sent.',
    since: '3.10',
    play(s) {
      const e = blocker(s);
      s.unrecorded(() => {
        for (const signal of ['SIGUSR2', 'SIGRTMIN', 'SIGUSR1', 'SIGRTMIN', 'SIGUSR2']) e.tgkill(signal);
        for (const signal of ['SIGTERM', 'SIGHUP', 'SIGTERM']) e.kill(signal);
      });
      peek(e, 'of the thread', {});
      peek(e, 'of the process', { shared: true });
      peek(e, 'of the thread from 1, at most 2', { offset: 1, count: 2 });
      peek(e, 'of the thread from 3', { offset: 3 });
      peek(e, 'of the process from 1', { offset: 1, shared: true });
      e.pending();
    },
    expect: `
      E: PEEKSIGINFO of the thread = SIGUSR2 SI_TKILL, SIGRTMIN SI_TKILL, SIGUSR1 SI_TKILL, SIGRTMIN SI_TKILL
      E: PEEKSIGINFO of the process = SIGTERM SI_USER, SIGHUP SI_USER
      E: PEEKSIGINFO of the thread from 1, at most 2 = SIGRTMIN SI_TKILL, SIGUSR1 SI_TKILL
      E: PEEKSIGINFO of the thread from 3 = SIGRTMIN SI_TKILL
      E: PEEKSIGINFO of the process from 1 = SIGHUP SI_USER
      E: pending = SIGHUP SIGUSR1 SIGUSR2 SIGTERM SIGRTMIN
    `,
  }),

  scenario({
    id: 'peeksiginfo-errors',
    title: 'PEEKSIGINFO refuses unknown flags and a negative count; beyond the end of the queue it finds nothing',
    source: [selftest, implement, page],
    tags: ['peeksiginfo', 'errors'],
    rule:
      'The arguments are a structure that addr points to. A count of 0 and an offset past the last signal are no errors: the answer is how many ' +
      'signals were written, 0. Memory that cannot be read or written is EFAULT.',
    since: '3.10',
    play(s) {
      const e = blocker(s);
      s.unrecorded(() => {
        e.tgkill('SIGUSR1');
        e.tgkill('SIGUSR2');
      });
      const room = new Uint8Array(4 * STRUCT_SIZE.SIGINFO);
      const ask = (
        what: string,
        offset: bigint,
        flags: number,
        count: number,
        data: Uint8Array | null = room,
      ): void => {
        const args = encodePeeksiginfoArgs({ offset: BigInt.asUintN(64, offset), flags, count });
        e.request(`PEEKSIGINFO ${what}`, PTRACE.PEEKSIGINFO, args, data);
      };
      ask('of 4', 0n, 0, 4);
      ask('with flags ~0', 0n, 0xffffffff, 4);
      ask('with flags 2', 0n, 2, 4);
      ask('with flags 2 | SHARED', 0n, 2 | PTRACE_PEEKSIGINFO_SHARED, 4);
      ask('of -1', 0n, 0, -1);
      ask('of 0', 0n, 0, 0);
      ask('of 0 into nowhere', 0n, 0, 0, null);
      ask('from 1', 1n, 0, 4);
      ask('from 2', 2n, 0, 4);
      ask('from 1000', 1000n, 0, 4);
      ask('from -1', -1n, 0, 4);
      ask('from 2^32', 1n << 32n, 0, 4);
      ask('into nowhere', 0n, 0, 4, null);
      e.request('PEEKSIGINFO by no arguments', PTRACE.PEEKSIGINFO, null, room);
    },
    expect: [
      {
        since: '5.2',
        because: 'f6e2aa91a46d made the offset of the queue as wide as that of the request',
        transcript: errors('0'),
      },
      {
        before: '5.2',
        because: 'an offset was cut to 32 bits: 2^32 found the first signals. Stable releases have the fix',
        transcript: errors('0 | 2'),
      },
    ],
  }),

  scenario({
    id: 'peeksiginfo-partial',
    title:
      'PEEKSIGINFO answers how many signals it has written before memory that it cannot write; EFAULT if there was none',
    source: [selftest, implement],
    tags: ['peeksiginfo', 'errors'],
    rule: 'As read(2) does: what was done is not taken back, the error is that of the next attempt.',
    since: '3.10',
    play(s) {
      // The memory is that of the tracer, so the tracer is a script.
      const t = s.child('T', (c) => {
        const args = encodePeeksiginfoArgs({ offset: 0n, flags: 0, count: 3 });
        traceChild(c, (e) => e.block('SIGRTMIN').loop((again) => again.tgkillSelf('SIGRTMIN'), 3));
        c.syscall('mmap', 0, 2 * LARGEST_PAGE, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0)
          .compute(c.register(0), 'add', LARGEST_PAGE)
          .store('read-only')
          .syscall('mprotect', c.word('read-only'), LARGEST_PAGE, PROT.READ);
        for (const fits of [3, 2, 1, 0]) {
          c.compute(c.word('read-only'), 'subtract', fits * STRUCT_SIZE.SIGINFO, 1)
            .syscall('ptrace', PTRACE.PEEKSIGINFO, c.word('E'), args, c.register(1))
            .store(`room for ${fits}`);
        }
        return c.store('done', 1).loop((again) => again.pause());
      });
      t.untilWord('done', 1n);
      for (const fits of [3, 2, 1, 0]) t.result(`room for ${fits}`, `PEEKSIGINFO of 3 with room for ${fits}`);
    },
    expect: `
      T: PEEKSIGINFO of 3 with room for 3 = 3
      T: PEEKSIGINFO of 3 with room for 2 = 2
      T: PEEKSIGINFO of 3 with room for 1 = 1
      T: PEEKSIGINFO of 3 with room for 0 = EFAULT
    `,
  }),
];
