/** The filters of a tracee seen by its tracer, suspended by it, and without a tracer who listens. */
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE, STRUCT_SIZE } from '../../../kernel/requests.js';
import { encodeSeccompMetadata, decodeSeccompMetadata } from '../../../kernel/structs.js';
import type { ChildScript } from '../../../raw/child.js';
import type { Actor } from '../../actor.js';
import { FILTER_FLAG, filterLength, seccompFilter, VERDICT } from '../../parts/seccomp-filter.js';
import { become } from '../../parts/credentials.js';
import { toNextReport } from '../../parts/system-calls.js';
import { traceChild } from '../../parts/tracing.js';
import { commit, manual, scenario, suite, type Scenario } from '../../scenario.js';
import type { Stage } from '../../stage.js';
import { keepOutcome, observeOutcome } from './calls.js';

const selftest = (test: string) => suite('selftests', `seccomp/seccomp_bpf.c ${test}`);
const getFilter = commit('f8e529ed941b', 'seccomp, ptrace: add support for dumping seccomp filters');
const getMetadata = commit('26500475ac1b', 'ptrace, seccomp: add support for retrieving seccomp metadata');
const suspend = commit('13c4a90119d2', 'seccomp: add ptrace options for suspend/resume');
const suspendBySeize = commit('ee1fee900537', 'ptrace: Check PTRACE_O_SUSPEND_SECCOMP permission on PTRACE_SEIZE');

const EPERM = 1;

const EARLIER = seccompFilter([['getppid', VERDICT.errno(EPERM)]]);
const LATER = seccompFilter([
  ['getppid', VERDICT.LOG],
  ['getpgid', VERDICT.errno(EPERM)],
]);

const twoFilters =
  (flags: number) =>
  (c: ChildScript): ChildScript =>
    c
      .seccompFilter(EARLIER)
      .seccompFilter(LATER, flags)
      .tgkillSelf('SIGUSR1')
      .loop((again) => again.pause());

/**
 * A script that traces a child of its own, which has a filter and stands in a stop. What the tracer is, it becomes before.
 *
 * @param becomes what makes it another tracer than this process
 * @param asks its requests, with the id of the tracee in the word E
 */
const tracer =
  (becomes: (t: ChildScript) => ChildScript, asks: (t: ChildScript) => ChildScript) =>
  (t: ChildScript): void => {
    traceChild(t, (e) => e.seccompFilter(EARLIER));
    asks(becomes(t))
      .store('done', 1)
      .loop((again) => again.pause());
  };

/** One that may all, one that has given up root, one that is under a filter itself: each has asked. */
function tracers(s: Stage, asks: (t: ChildScript) => ChildScript): readonly Actor[] {
  const asNobody = (t: ChildScript): ChildScript => {
    become(t, {});
    return t;
  };
  const all = [
    s.child(
      'T',
      tracer((t) => t, asks),
    ),
    s.child('T without root', tracer(asNobody, asks)),
    s.child(
      'T under seccomp',
      tracer((t) => t.seccompFilter(seccompFilter([])), asks),
    ),
  ];
  for (const t of all) t.untilSet('done');
  return all;
}

/** What `suspend-seccomp-privilege` expects: of SEIZE with the option where it is not allowed, and without it afterwards. */
const privilege = (withOption: string, without: string): string => `
  T: SETOPTIONS = 0
  T: SEIZE = 0
  T: SEIZE without the option = EPERM
  T without root: SETOPTIONS = EPERM
  T without root: SEIZE = ${withOption}
  T without root: SEIZE without the option = ${without}
  T under seccomp: SETOPTIONS = EPERM
  T under seccomp: SEIZE = ${withOption}
  T under seccomp: SEIZE without the option = ${without}
`;

export const seccompFilters: readonly Scenario[] = [
  scenario({
    id: 'seccomp-trace-no-tracer',
    title: 'RET_TRACE is ENOSYS when nobody traces, or the tracer has not asked for PTRACE_EVENT_SECCOMP',
    source: [
      commit('fb0fadf9b213', 'ptrace,seccomp: Add PTRACE_SECCOMP support'),
      manual('seccomp(2)', 'SECCOMP_RET_TRACE'),
    ],
    also: ['seccomp-trace-no-option'],
    tags: ['seccomp', 'syscall-stop'],
    rule:
      'A call that a tracer should judge is not made without one. So a tracee whose tracer has died does not get away; what it gets is an error, ' +
      'which is why such tracers set EXITKILL. The call that is left out has its syscall-stops.',
    since: '4.8',
    needs: ['seccomp-filters'],
    play(s) {
      const filter = seccompFilter([['getppid', VERDICT.trace(1)]]);
      const u = s.child('U', (c) => keepOutcome(c.seccompFilter(filter).syscall('getppid')));
      observeOutcome(u);
      u.tracer();
      const e = s.tracee('E', (c) =>
        keepOutcome(c.seccompFilter(filter).syscall('getppid').store('first').tgkillSelf('SIGUSR1').syscall('getppid')),
      );
      e.cont();
      e.wait();
      e.result('first');
      s.unrecorded(() => e.setOptions(PTRACE_O.TRACESYSGOOD));
      e.syscall();
      e.wait();
      e.syscall();
      e.wait();
      e.cont();
      observeOutcome(e);
    },
    expect: `
      U: outcome = ENOSYS
      U: tracer = nobody
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: first = ENOSYS
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: CONT = 0
      E: outcome = ENOSYS
    `,
  }),

  scenario({
    id: 'get-filter',
    title: 'SECCOMP_GET_FILTER gives the program of a filter as it was installed; number 0 is the oldest one',
    source: [getFilter, manual('ptrace(2)', 'PTRACE_SECCOMP_GET_FILTER')],
    tags: ['seccomp', 'get-filter', 'errors'],
    rule:
      'For a checkpoint, which has to install the same filters in the same order: they are numbered from the first one on, not, as the manual page has it, ' +
      'from the last. Without memory the answer is the number of instructions. Past the last filter it is ENOENT, of a tracee without any EINVAL.',
    since: '4.4',
    needs: ['seccomp-filters', 'cap-sys-admin', 'policy.seccomp', 'request.PTRACE_SECCOMP_GET_FILTER'],
    play(s) {
      const e = s.tracee('E', twoFilters(0));
      e.request('SECCOMP_GET_FILTER 0 before there are any', PTRACE.SECCOMP_GET_FILTER, 0, null);
      toNextReport(e);
      for (const index of [0, 1, 2, -1]) {
        e.request(`SECCOMP_GET_FILTER ${index} without memory`, PTRACE.SECCOMP_GET_FILTER, index, null);
      }
      for (const [index, filter] of [EARLIER, LATER].entries()) {
        const room = new Uint8Array(filter.length);
        const length = e.request(`SECCOMP_GET_FILTER ${index}`, PTRACE.SECCOMP_GET_FILTER, index, room);
        const same = length === String(filter.length / 8) && Buffer.compare(room, filter) === 0;
        e.observe('program', same ? 'as installed' : 'another');
      }
    },
    expect: `
      E: SECCOMP_GET_FILTER 0 before there are any = EINVAL
      E: SECCOMP_GET_FILTER 0 without memory = ${filterLength(1)}
      E: SECCOMP_GET_FILTER 1 without memory = ${filterLength(2)}
      E: SECCOMP_GET_FILTER 2 without memory = ENOENT
      E: SECCOMP_GET_FILTER -1 without memory = ENOENT
      E: SECCOMP_GET_FILTER 0 = ${filterLength(1)}
      E: program = as installed
      E: SECCOMP_GET_FILTER 1 = ${filterLength(2)}
      E: program = as installed
    `,
  }),

  scenario({
    id: 'get-filter-privilege',
    title:
      'SECCOMP_GET_FILTER and SECCOMP_GET_METADATA are for tracers with CAP_SYS_ADMIN that are under no filter themselves',
    source: [getFilter, getMetadata, manual('ptrace(2)', 'PTRACE_SECCOMP_GET_FILTER')],
    tags: ['seccomp', 'get-filter', 'errors'],
    rule: 'EACCES, for other tracers, even of a tracee that they trace already. A process in a sandbox shall not find out what the sandbox is made of.',
    since: '4.16',
    needs: ['seccomp-filters', 'root', 'cap-sys-admin', 'policy.seccomp', 'request.PTRACE_SECCOMP_GET_METADATA'],
    play(s) {
      const asks = (t: ChildScript): ChildScript =>
        t
          .syscall('ptrace', PTRACE.SECCOMP_GET_FILTER, t.word('E'), 0, 0)
          .store('filter')
          .syscall(
            'ptrace',
            PTRACE.SECCOMP_GET_METADATA,
            t.word('E'),
            STRUCT_SIZE.SECCOMP_METADATA,
            encodeSeccompMetadata(0n),
          )
          .store('metadata');
      for (const t of tracers(s, asks)) {
        t.result('filter', 'SECCOMP_GET_FILTER');
        t.result('metadata', 'SECCOMP_GET_METADATA');
      }
    },
    expect: `
      T: SECCOMP_GET_FILTER = ${filterLength(1)}
      T: SECCOMP_GET_METADATA = ${STRUCT_SIZE.SECCOMP_METADATA}
      T without root: SECCOMP_GET_FILTER = EACCES
      T without root: SECCOMP_GET_METADATA = EACCES
      T under seccomp: SECCOMP_GET_FILTER = EACCES
      T under seccomp: SECCOMP_GET_METADATA = EACCES
    `,
  }),

  scenario({
    id: 'get-metadata',
    title: 'SECCOMP_GET_METADATA tells the flags that a filter was installed with; number 0 is the oldest filter',
    source: [selftest('get_metadata'), getMetadata],
    tags: ['seccomp', 'get-filter', 'errors'],
    rule:
      'SECCOMP_FILTER_FLAG_LOG stays with the filter and has to be restored with it. The filter’s number goes in at the start of the structure; only as ' +
      'much of it is written as the caller has, at least that number.',
    since: '4.16',
    needs: ['seccomp-filters', 'cap-sys-admin', 'policy.seccomp', 'request.PTRACE_SECCOMP_GET_METADATA'],
    play(s) {
      const e = s.tracee('E', twoFilters(FILTER_FLAG.LOG));
      const ask = (what: string, filter: bigint, size: number = STRUCT_SIZE.SECCOMP_METADATA): void => {
        const bytes = new Uint8Array(64).fill(0xff);
        bytes.set(encodeSeccompMetadata(filter).subarray(0, 8));
        const result = e.request(`SECCOMP_GET_METADATA ${what}`, PTRACE.SECCOMP_GET_METADATA, size, bytes);
        if (result !== '16') return;
        const { flags } = decodeSeccompMetadata(bytes);
        e.observe('flags', flags === BigInt(FILTER_FLAG.LOG) ? 'LOG' : flags);
      };
      ask('0 before there are any', 0n);
      toNextReport(e);
      for (const filter of [0n, 1n, 2n]) ask(String(filter), filter);
      ask('0 into 8 bytes', 0n, 8);
      ask('0 into 7 bytes', 0n, 7);
      ask('0 into 64 bytes', 0n, 64);
      e.request('SECCOMP_GET_METADATA into nowhere', PTRACE.SECCOMP_GET_METADATA, STRUCT_SIZE.SECCOMP_METADATA, null);
    },
    expect: `
      E: SECCOMP_GET_METADATA 0 before there are any = EINVAL
      E: SECCOMP_GET_METADATA 0 = 16
      E: flags = 0
      E: SECCOMP_GET_METADATA 1 = 16
      E: flags = LOG
      E: SECCOMP_GET_METADATA 2 = ENOENT
      E: SECCOMP_GET_METADATA 0 into 8 bytes = 8
      E: SECCOMP_GET_METADATA 0 into 7 bytes = EINVAL
      E: SECCOMP_GET_METADATA 0 into 64 bytes = 16
      E: flags = 0
      E: SECCOMP_GET_METADATA into nowhere = EFAULT
    `,
  }),

  scenario({
    id: 'suspend-seccomp',
    title: 'While a tracer has PTRACE_O_SUSPEND_SECCOMP set no filter of the tracee runs',
    source: [suspend, manual('ptrace(2)', 'PTRACE_O_SUSPEND_SECCOMP')],
    tags: ['seccomp', 'options'],
    rule:
      'A checkpoint has its tracee do calls that its filters would deny. The option suspends them, and they are in force again when it is taken away, or the ' +
      'tracer detaches. SEIZE takes it too.',
    since: '4.3',
    needs: ['seccomp-filters', 'cap-sys-admin', 'policy.seccomp', 'option.PTRACE_O_SUSPEND_SECCOMP.setoptions'],
    play(s) {
      const e = s.tracee('E', (c) =>
        keepOutcome(
          c
            .seccompFilter(EARLIER)
            .loop((again) => again.syscall('getppid').store('result').tgkillSelf('SIGUSR1'), 3)
            .syscall('getppid'),
        ),
      );
      const once = (what: string): void => {
        toNextReport(e);
        e.observe(what, s.valueText(e.word('result')));
      };
      once('getppid');
      e.setOptions(PTRACE_O.SUSPEND_SECCOMP);
      once('getppid');
      e.setOptions(0);
      once('getppid');
      e.setOptions(PTRACE_O.SUSPEND_SECCOMP);
      e.detach();
      observeOutcome(e);
      const f = s.child('F', (c) =>
        keepOutcome(
          c
            .seccompFilter(EARLIER)
            .label('gate')
            .syscall('sched_yield')
            .jumpIf(c.word('gate'), '==', 0, 'gate')
            .syscall('getppid'),
        ),
      );
      f.seize(PTRACE_O.SUSPEND_SECCOMP);
      f.setWord('gate', 1n);
      observeOutcome(f);
    },
    expect: `
      E: getppid = EPERM
      E: SETOPTIONS = 0
      E: getppid = R
      E: SETOPTIONS = 0
      E: getppid = EPERM
      E: SETOPTIONS = 0
      E: DETACH = 0
      E: outcome = EPERM
      F: SEIZE = 0
      F: outcome = R
    `,
  }),

  scenario({
    id: 'suspend-seccomp-privilege',
    title: 'PTRACE_O_SUSPEND_SECCOMP is for tracers with CAP_SYS_ADMIN that are under no filter themselves',
    source: [suspend, suspendBySeize, manual('ptrace(2)', 'PTRACE_O_SUSPEND_SECCOMP')],
    tags: ['seccomp', 'options', 'seize', 'errors'],
    rule:
      'Otherwise two processes under the same filter could free each other. SEIZE did not look before Linux 5.18: the option was a way out of every sandbox ' +
      'whose processes may trace each other.',
    since: '4.3',
    needs: [
      'seccomp-filters',
      'root',
      'cap-sys-admin',
      'unprivileged-tracers',
      'policy.seccomp',
      'option.PTRACE_O_SUSPEND_SECCOMP.setoptions',
    ],
    play(s) {
      const asks = (t: ChildScript): ChildScript =>
        t
          .fork((e) => {
            e.dieWithParent().loop((again) => again.pause());
          })
          .store('F')
          .syscall('ptrace', PTRACE.SETOPTIONS, t.word('E'), 0, PTRACE_O.SUSPEND_SECCOMP)
          .store('setoptions')
          .syscall('ptrace', PTRACE.SEIZE, t.word('F'), 0, PTRACE_O.SUSPEND_SECCOMP)
          .store('seize')
          .syscall('ptrace', PTRACE.SEIZE, t.word('F'), 0, 0)
          .store('plain seize');
      for (const t of tracers(s, asks)) {
        t.result('setoptions', 'SETOPTIONS');
        t.result('seize', 'SEIZE');
        t.result('plain seize', 'SEIZE without the option');
      }
    },
    expect: [
      {
        since: '5.18',
        because: 'ee1fee900537 has SEIZE check what SETOPTIONS checks',
        transcript: privilege('EPERM', '0'),
      },
      {
        before: '5.18',
        because: 'SEIZE checked nothing. Stable releases have the fix',
        transcript: privilege('0 | EPERM', 'EPERM | 0'),
      },
    ],
  }),
];
