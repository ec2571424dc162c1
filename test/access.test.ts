import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, existsSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it, type TestContext } from 'vitest';
import { decideAccess } from '../lib/access/decide.js';
import { INITIAL_USER_NAMESPACE, type AccessFacts, type CallerFacts, type TargetFacts } from '../lib/access/facts.js';
import { explainAccess, type AccessFinding, type AccessFindingKind, type AccessReport } from '../lib/access/index.js';
import { binding } from '../lib/binding.js';
import { isPtraceError } from '../lib/errors.js';
import { PTRACE } from '../lib/kernel/requests.js';
import { CLONE, result, script, type ChildScript, type ScriptChild } from '../lib/raw/child.js';
import { hostSyscallNumber } from '../lib/raw/host-syscalls.js';
import { detach, interrupt, seize, wait4 } from '../lib/raw/index.js';
import { W } from '../lib/kernel/wait-flags.js';
import { procIsKernelThread, procNamespace } from '../lib/proc.js';
import { dist } from './helpers/dist.js';
import { child, newTracer, readWord, stateOf, until, within, writeWord } from './helpers/tracing.js';
import { tracedByWorker } from './raw/tracee.js';

const NOBODY = 65534;
const CAP_SYS_PTRACE = 19;
const PR = { SET_DUMPABLE: 4, SET_KEEPCAPS: 8, CAPBSET_DROP: 24, SET_NO_NEW_PRIVS: 38 } as const;
const isRoot = process.getuid?.() === 0;
const needsRoot = (context: TestContext): void => {
  if (!isRoot) context.skip('only root can start processes of other users');
};

/**
 * What the kernel says to a real PTRACE_SEIZE: nothing, or the name of the errno. What was seized is let go at once.
 */
function realAttach(pid: number): string {
  try {
    seize(pid);
  } catch (error) {
    if (isPtraceError(error)) return error.code;
    throw error;
  }
  interrupt(pid);
  for (;;) {
    const stop = wait4(pid, W.__WALL);
    if (stop?.decoded.kind === 'event') break;
  }
  detach(pid);
  return 'ok';
}

/** What one who asks gets: the prediction, what a real attach says, and what tracer.attach says. */
interface Reply {
  readonly report: AccessReport;
  readonly reality: string;
}

const kinds = (report: AccessReport): AccessFindingKind[] =>
  report.findings.filter(({ blocks }) => blocks !== 'no').map(({ kind }) => kind);

function find<K extends AccessFindingKind>(report: AccessReport, kind: K): Extract<AccessFinding, { kind: K }> {
  const found = report.findings.find((finding) => finding.kind === kind);
  expect(found, `${kind} in ${JSON.stringify(report)}`).toBeDefined();
  return found as Extract<AccessFinding, { kind: K }>;
}

/** The property: what is predicted with certainty is what happens. */
function expectTrue({ report, reality }: Reply, allowed?: AccessReport['allowed']): AccessReport {
  const why = `${report.summary} / in fact ${reality}`;
  if (report.allowed === 'yes') expect(reality, why).toBe('ok');
  if (report.allowed === 'no') expect(reality, why).not.toBe('ok');
  if (allowed !== undefined) expect(report.allowed, why).toBe(allowed);
  const strongest = report.findings[0]?.blocks ?? 'no';
  expect(strongest).toBe({ yes: 'no', no: 'yes', unknown: 'maybe' }[report.allowed]);
  for (const finding of report.findings) expect(finding.sentence).not.toBe('');
  return report;
}

const here = (pid: number): Reply => ({ report: explainAccess(pid), reality: realAttach(pid) });

/** A child that prepares itself and then sleeps. */
async function target(prepare: (s: ChildScript) => unknown = () => undefined): Promise<ScriptChild> {
  const made = script();
  prepare(made);
  const started = child(made.store('ready', 1).loop((s) => s.pause()));
  await until(() => readWord(started, 'ready') === 1n && stateOf(started.pid) === 'S', 'the target is ready');
  return started;
}

const setIds =
  (uid: number, gid = uid) =>
  (s: ChildScript): ChildScript =>
    s.syscall('setgroups', 0, 0).syscall('setresgid', gid, gid, gid).syscall('setresuid', uid, uid, uid);

const dumpable = (s: ChildScript): ChildScript => s.prctl(PR.SET_DUMPABLE, 1);

/** Drops all capabilities, effective, permitted and inheritable. */
const withoutCapabilities = (s: ChildScript): ChildScript =>
  s.syscall('capset', new Uint8Array(Uint32Array.of(0x20080522, 0).buffer), new Uint8Array(24));

const asker = (): string => `
  import { createInterface } from 'node:readline';
  import { explainAccess, Tracer, isPtraceError } from ${JSON.stringify(dist('index.js'))};
  import { detach, interrupt, seize, wait4 } from ${JSON.stringify(dist('raw/index.js'))};
  function realAttach(pid) {
    try { seize(pid); } catch (error) { if (isPtraceError(error)) return error.code; throw error; }
    interrupt(pid);
    while (wait4(pid, 0x40000000).decoded.kind !== 'event');
    detach(pid);
    return 'ok';
  }
  async function tracerAttach(pid) {
    const tracer = new Tracer();
    try { await tracer.attach(pid); return 'ok'; } catch (error) { return error.reason; } finally { await tracer.close(); }
  }
  for await (const line of createInterface({ input: process.stdin })) {
    const { pid, by } = JSON.parse(line);
    const report = explainAccess(pid);
    const reality = by === 'tracer' ? await tracerAttach(pid) : realAttach(pid);
    console.log(JSON.stringify({ report, reality }));
  }
`;

interface Asker {
  readonly pid: number;
  readonly ask: (pid: number, by?: 'kernel' | 'tracer') => Promise<Reply>;
}

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A Node process that a script prepares and then executes; it answers questions one by one. */
function startAsker(prepare: (s: ChildScript, execute: (s: ChildScript) => ChildScript) => unknown): Asker {
  const questions = new Int32Array(2);
  const answers = new Int32Array(2);
  expect([binding().pipe(questions), binding().pipe(answers)]).toEqual([0, 0]);
  const [questionsRead = -1, questionsWrite = -1] = questions;
  const [answersRead = -1, answersWrite = -1] = answers;
  const execute = (s: ChildScript): ChildScript =>
    s
      .syscall('dup3', questionsRead, 0, 0)
      .syscall('dup3', answersWrite, 1, 0)
      .exec(process.execPath, ['node', '--input-type=module', '-e', asker()], ['PATH=/usr/bin:/bin', 'HOME=/'])
      .exitGroup(127);
  const made = script();
  prepare(made, execute);
  const { pid } = child(execute(made), { keepFds: [questionsRead, answersWrite] });
  for (const fd of [questionsRead, answersWrite]) binding().closeFd(fd);
  const lines = createInterface({ input: createReadStream('', { fd: answersRead, autoClose: true }) });
  const replies = lines[Symbol.asyncIterator]();
  closing.push(() => {
    binding().closeFd(questionsWrite);
  });
  return {
    pid,
    ask: async (about, by = 'kernel') => {
      writeSync(questionsWrite, `${JSON.stringify({ pid: about, by })}\n`);
      const reply = await within(replies.next(), `an answer of asker ${pid}`);
      if (reply.done === true) throw new Error(`asker ${pid} has ended`);
      return JSON.parse(reply.value) as Reply;
    },
  };
}

describe('explainAccess, and what a real PTRACE_SEIZE says', () => {
  it('a child of ours', async () => {
    const { pid } = await target();
    const report = expectTrue(here(pid), 'yes');
    expect(report).toMatchObject({ pid, allowed: 'yes' });
    expect(report.summary).toContain('nothing stands against it');
  });

  it('no such process', async () => {
    const { pid } = child(script().exitGroup(0));
    await until(() => stateOf(pid) === 'Z', 'a zombie');
    wait4(pid);
    expect(kinds(expectTrue(here(pid), 'no'))).toEqual(['no-such-process']);
  });

  it('a zombie', async () => {
    const { pid } = child(script().exitGroup(0));
    await until(() => stateOf(pid) === 'Z', 'a zombie');
    expect(find(expectTrue(here(pid), 'no'), 'dead')).toMatchObject({ state: 'Z', livingThreads: [] });
  });

  it('a leader that has ended, and its thread that has not', async () => {
    const { pid } = child(
      script()
        .thread((t) => t.loop((s) => s.pause()))
        .exit(0),
    );
    await until(() => stateOf(pid) === 'Z', 'the leader has ended');
    const { livingThreads } = find(expectTrue(here(pid), 'no'), 'dead');
    expect(livingThreads).toHaveLength(1);
    expectTrue(here(livingThreads[0]!), 'yes');
  });

  it('a thread of the kernel', (context) => {
    if (procIsKernelThread(2) !== true) context.skip('pid 2 is no kernel thread here: a pid namespace of its own');
    expect(kinds(expectTrue(here(2), 'no'))).toEqual(['kernel-thread']);
  });

  it('a thread of this process, this very one among them', async () => {
    expect(kinds(expectTrue(here(process.pid), 'no'))).toEqual(['own-thread-group']);
    const { readdirSync } = await import('node:fs');
    const other = readdirSync('/proc/self/task')
      .map(Number)
      .find((tid) => tid !== binding().gettid());
    expect(kinds(expectTrue(here(other!), 'no'))).toEqual(['own-thread-group']);
  });

  it('traced by this thread, by a Worker, by another process', async () => {
    const { pid } = await target();
    seize(pid);
    expect(find(expectTrue({ report: explainAccess(pid), reality: 'EPERM' }, 'no'), 'already-traced')).toMatchObject({
      tracer: binding().gettid(),
      pid: process.pid,
    });
    interrupt(pid);
    wait4(pid, W.__WALL);
    detach(pid);

    const worker = await tracedByWorker(pid);
    const byWorker = find(expectTrue(here(pid), 'no'), 'already-traced');
    expect(byWorker).toMatchObject({ tracer: worker.tid, pid: process.pid });
    expect(byWorker.sentence).toContain('of this process');
    await worker.release();

    const { pid: next } = await target();
    const tracer = await target((s) =>
      s.setName('jealous').syscall('ptrace', PTRACE.SEIZE, next, 0, 0).store('seized'),
    );
    expect(readWord(tracer, 'seized')).toBe(0n);
    expect(find(expectTrue(here(next), 'no'), 'already-traced')).toMatchObject({
      tracer: tracer.pid,
      pid: tracer.pid,
      name: 'jealous',
    });
  });

  it('root asks about a process of another user, dumpable or not', async (context) => {
    needsRoot(context);
    const { pid } = await target((s) => dumpable(setIds(NOBODY)(s)));
    const report = expectTrue(here(pid));
    if (report.allowed === 'yes') expect(find(report, 'ids-differ').blocks).toBe('no');
    const { pid: hidden } = await target(setIds(NOBODY));
    expect(find(expectTrue(here(hidden)), 'not-dumpable').dumpable).toBe('no');
  });

  it('a process of another user asks', async (context) => {
    needsRoot(context);
    const { ask } = startAsker((s) => setIds(NOBODY)(s));
    const { pid: rootsOwn } = await target();
    const differ = find(expectTrue(await ask(rootsOwn), 'no'), 'ids-differ');
    expect(differ).toMatchObject({ blocks: 'yes', uid: NOBODY, targetUids: [0, 0, 0] });

    const { pid: own } = await target((s) => dumpable(setIds(NOBODY)(s)));
    expect(expectTrue(await ask(own)).findings.map(({ kind }) => kind)).not.toContain('ids-differ');

    const { pid: undumpable } = await target(setIds(NOBODY));
    expect(find(expectTrue(await ask(undumpable), 'no'), 'not-dumpable')).toMatchObject({
      blocks: 'yes',
      dumpable: 'no',
    });

    const { pid: saved } = await target((s) =>
      dumpable(s.syscall('setresgid', NOBODY, NOBODY, NOBODY).syscall('setresuid', NOBODY, NOBODY, 0)),
    );
    expect(find(expectTrue(await ask(saved), 'no'), 'ids-differ').targetUids).toEqual([NOBODY, NOBODY, 0]);

    const { pid: group } = await target((s) => dumpable(setIds(NOBODY, 1234)(s)));
    expect(find(expectTrue(await ask(group), 'no'), 'ids-differ').targetGids).toEqual([1234, 1234, 1234]);

    const { pid: capable } = await target((s) => dumpable(setIds(NOBODY)(s.prctl(PR.SET_KEEPCAPS, 1))));
    const exceed = find(expectTrue(await ask(capable), 'no'), 'capabilities-exceed');
    expect(exceed.blocks).toBe('yes');
    expect(exceed.missing).toContain('CAP_SYS_PTRACE');
    expect(kinds((await ask(capable)).report)).not.toContain('ids-differ');
  });

  it('root asks who has no CAP_SYS_PTRACE', async (context) => {
    needsRoot(context);
    const { ask } = startAsker((s) => s.prctl(PR.CAPBSET_DROP, CAP_SYS_PTRACE));
    const { pid: full } = await target();
    expect(find(expectTrue(await ask(full), 'no'), 'capabilities-exceed').missing).toEqual(['CAP_SYS_PTRACE']);
    const { pid: bare } = await target(withoutCapabilities);
    expect(kinds(expectTrue(await ask(bare)))).not.toContain('capabilities-exceed');
    const { pid: undumpable } = await target((s) => withoutCapabilities(s).prctl(PR.SET_DUMPABLE, 0));
    // Root's files in /proc do not show it: the kernel's answer does.
    expect(find(expectTrue(await ask(undumpable), 'no'), 'not-dumpable')).toMatchObject({
      blocks: 'yes',
      dumpable: 'unknown',
    });
    const { pid: nobodys } = await target((s) => dumpable(setIds(NOBODY)(s)));
    expectTrue(await ask(nobodys), 'no');
    const container = (await ask(nobodys)).report.findings.find(({ kind }) => kind === 'container');
    if (existsSync('/.dockerenv')) expect(container?.remedy).toContain('--cap-add=SYS_PTRACE');
  });

  it('user namespaces: below ours, owned, above ours', async (context) => {
    needsRoot(context);
    const enter = (s: ChildScript): ChildScript => s.syscall('unshare', CLONE.NEWUSER).store('entered');
    const inside = await target(enter);
    if (readWord(inside, 'entered') !== 0n) context.skip('no user namespace can be made here');
    if (procNamespace('thread-self', 'user') === INITIAL_USER_NAMESPACE) {
      expect(find(expectTrue(here(inside.pid), 'yes'), 'user-namespace').blocks).toBe('no');
    } else {
      expectTrue(here(inside.pid));
    }

    // The owner of the namespace has all rights in it, but none on memory that was mapped above.
    const { ask } = startAsker((s) => setIds(NOBODY)(s));
    const { pid: owned } = await target((s) => dumpable(enter(setIds(NOBODY)(s))));
    expectTrue(await ask(owned));
    const { pid: undumpable } = await target((s) => enter(setIds(NOBODY)(s)));
    expectTrue(await ask(undumpable), 'no');

    const below = startAsker((s) => enter(s));
    const { pid: above } = await target();
    const namespaces = find(expectTrue(await below.ask(above), 'no'), 'user-namespace');
    expect(namespaces.blocks).not.toBe('no');
    expect(namespaces.own).not.toBe(namespaces.target);
  });

  it('a seccomp filter of our own, that refuses ptrace or not', async () => {
    const filter = (verdict: number): Uint8Array => {
      const instructions: [number, number, number, number][] = [
        [0x20, 0, 0, 0], // the number of the system call
        [0x15, 0, 1, hostSyscallNumber('ptrace') ?? -1],
        [0x06, 0, 0, verdict],
        [0x06, 0, 0, 0x7fff0000], // allow
      ];
      const bytes = new DataView(new ArrayBuffer(8 * instructions.length));
      instructions.forEach(([code, yes, no, operand], index) => {
        bytes.setUint16(8 * index, code, true);
        bytes.setUint8(8 * index + 2, yes);
        bytes.setUint8(8 * index + 3, no);
        bytes.setUint32(8 * index + 4, operand >>> 0, true);
      });
      return new Uint8Array(bytes.buffer);
    };
    const { pid } = await target();
    for (const [verdict, reality] of [
      [0x00050001, 'EPERM'],
      [0x7fff0000, 'ok'],
    ] as const) {
      const { ask } = startAsker((s) => s.seccompFilter(filter(verdict)));
      const reply = await ask(pid);
      expect(reply.reality).toBe(reality);
      expect(find(expectTrue(reply, 'unknown'), 'seccomp').mode).toBe(2);
      expect(kinds(reply.report)).toEqual(['seccomp']);
    }
  });

  it('a security module that /proc does not show: Landlock', async (context) => {
    const CREATE_RULESET = 444;
    const RESTRICT_SELF = 446;
    const MAKE_BLOCK_DEVICES = 1n << 11n;
    const sandbox = (s: ChildScript): ChildScript =>
      s
        .prctl(PR.SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        .syscall(CREATE_RULESET, new Uint8Array(BigUint64Array.of(MAKE_BLOCK_DEVICES).buffer), 8, 0)
        .syscall(RESTRICT_SELF, result, 0)
        .store('restricted');
    const { pid } = await target();
    if (readWord(await target(sandbox), 'restricted') !== 0n) context.skip('this kernel has no Landlock');
    const { ask } = startAsker(sandbox);
    expect(find(expectTrue(await ask(pid), 'no'), 'security-module').blocks).toBe('yes');
  });

  it('Yama, where there is one', async (context) => {
    if (!existsSync('/proc/sys/kernel/yama/ptrace_scope')) {
      const { pid } = await target();
      expect(find(expectTrue(here(pid)), 'yama')).toMatchObject({ scope: null, blocks: 'no' });
      context.skip('this kernel has no Yama: its scopes are tested from described facts only');
    }
    needsRoot(context);
    const { ask } = startAsker((s) => setIds(NOBODY)(s));
    const { pid: stranger } = await target((s) => dumpable(setIds(NOBODY)(s)));
    find(expectTrue(await ask(stranger)), 'yama');
    const { pid: open } = await target((s) => dumpable(setIds(NOBODY)(s)).setPtracerAny());
    find(expectTrue(await ask(open)), 'yama');
  });

  it('a /proc that hides what may not be traced, and one of another pid namespace', async (context) => {
    needsRoot(context);
    const MS_PRIVATE = 0x40000 | 0x4000;
    const hiding = (s: ChildScript): ChildScript =>
      s
        .syscall('unshare', CLONE.NEWNS)
        .syscall('mount', 'none', '/', 'none', MS_PRIVATE, 0)
        .syscall('mount', 'proc', '/proc', 'proc', 0, 'hidepid=2')
        .store('mounted');
    if (readWord(await target(hiding), 'mounted') !== 0n) context.skip('nothing can be mounted here');
    const { pid } = await target();
    const { ask } = startAsker((s) => setIds(NOBODY)(hiding(s)));
    expect(kinds(expectTrue(await ask(pid), 'no'))).toEqual(['hidden']);

    const elsewhere = startAsker((s, execute) =>
      s
        .syscall('unshare', CLONE.NEWPID)
        .fork((inside) => execute(inside.dieWithParent()))
        .loop((parent) => parent.pause()),
    );
    expect(kinds(expectTrue(await elsewhere.ask(1)))).toContain('foreign-proc');
  });

  it('what the kernel would allow and this package refuses: a tracer of ours, a child of Node', async () => {
    const part = script();
    const jealous = child(
      part
        .waitUntil('victim', '!=', 0)
        .syscall('ptrace', PTRACE.SEIZE, part.word('victim'), 0, 0)
        .store('seized', 1)
        .loop((s) => s.pause()),
    );
    const { pid, ask } = startAsker(() => undefined);
    expectTrue(await ask(jealous.pid));
    writeWord(jealous, 'victim', BigInt(pid));
    await until(() => readWord(jealous, 'seized') === 1n, 'the asker is traced');
    const refused = await ask(jealous.pid, 'tracer');
    expect(find(expectTrue(refused, 'no'), 'traces-caller').by).toBe('linux-ptrace');
    expect(refused.reality).toBe('denied');

    const sleeper = spawn('sleep', ['1000']);
    await once(sleeper, 'spawn');
    const nodes = explainAccess(sleeper.pid ?? 0);
    expect(find(nodes, 'own-child')).toMatchObject({ by: 'linux-ptrace', blocks: 'yes' });
    await expect(newTracer().attach(sleeper.pid ?? 0)).rejects.toMatchObject({ reason: 'own-child' });
    sleeper.kill('SIGKILL');
    await once(sleeper, 'exit');
  });

  it('says bad-input to what is no pid', () => {
    for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 31, '1', null, undefined, {}, 1n]) {
      expect(() => explainAccess(pid as number)).toThrow(expect.objectContaining({ reason: 'bad-input' }) as Error);
    }
  });
});

const caller: CallerFacts = {
  tid: 100,
  pid: 100,
  uids: [1000, 1000, 1000, 1000],
  gids: [1000, 1000, 1000, 1000],
  permitted: 0n,
  effective: 0n,
  userNamespace: INITIAL_USER_NAMESPACE,
  seccomp: 0,
  label: undefined,
  tracedBy: [],
  container: undefined,
};
const subject: TargetFacts = {
  name: 'subject',
  pid: 200,
  parent: 1,
  state: 'S',
  kernelThread: false,
  livingThreads: [200],
  tracer: undefined,
  uids: caller.uids,
  gids: caller.gids,
  permitted: 0n,
  userNamespace: INITIAL_USER_NAMESPACE,
  dumpable: 'yes',
  descendant: false,
  label: undefined,
  nodesChild: false,
};
const world: AccessFacts = {
  tid: 200,
  procIsOurs: true,
  caller,
  target: subject,
  overflowUid: NOBODY,
  overflowGid: NOBODY,
  yamaScope: undefined,
  securityModules: ['capability', 'yama'],
  selinux: undefined,
  kernelSays: { read: 'unknown', attach: 'unknown' },
};
interface Change {
  readonly caller?: Partial<CallerFacts>;
  readonly target?: Partial<TargetFacts>;
  readonly world?: Partial<AccessFacts>;
}
const decide = (change: Change): AccessReport =>
  decideAccess({
    ...world,
    ...change.world,
    caller: { ...caller, ...change.caller },
    target: { ...subject, ...change.target },
  });
const privileged = { permitted: 1n << 19n, effective: 1n << 19n };
const other = 'user:[4026532000]';

describe('decideAccess', () => {
  it('Yama: scope, descent, capability, PR_SET_PTRACER', () => {
    const yama = (scope: number | undefined, change: Change = {}): string =>
      decide({ ...change, world: { ...change.world, yamaScope: scope } }).allowed;
    expect([undefined, 0, 1, 2, 3].map((scope) => yama(scope))).toEqual(['yes', 'yes', 'unknown', 'no', 'no']);
    const child = { target: { descendant: true } };
    expect([0, 1, 2, 3].map((scope) => yama(scope, child))).toEqual(['yes', 'yes', 'no', 'no']);
    const root = { caller: privileged };
    expect([0, 1, 2, 3].map((scope) => yama(scope, root))).toEqual(['yes', 'yes', 'yes', 'no']);
    // Whom the target named, the kernel tells.
    const refused = { world: { kernelSays: { read: 'granted', attach: 'refused' } } } as const;
    expect(yama(1, refused)).toBe('no');
    const named = { world: { kernelSays: { read: 'granted', attach: 'granted' } } } as const;
    expect(yama(1, named)).toBe('yes');
    const readable = { world: { kernelSays: { read: 'granted', attach: 'unknown' } } } as const;
    expect(yama(1, readable)).toBe('unknown');
    const report = decide({ ...refused, world: { ...refused.world, yamaScope: 1 } });
    expect(find(report, 'yama').remedy).toContain('PR_SET_PTRACER');
    expect(report.summary).toContain('Yama');
  });

  it('the real user id counts, not the effective one', () => {
    expect(decide({ caller: { uids: [1000, 0, 0, 0] } }).allowed).toBe('yes');
    expect(decide({ caller: { uids: [0, 1000, 1000, 1000] } }).allowed).toBe('no');
    for (let index = 0; index < 3; index++) {
      expect(decide({ target: { uids: subject.uids.with(index, 0) } }).allowed).toBe('no');
      expect(decide({ target: { gids: subject.gids.with(index, 0) } }).allowed).toBe('no');
    }
    expect(decide({ target: { uids: [1000, 1000, 1000, 0] } }).allowed).toBe('yes');
    expect(decide({ caller: privileged, target: { uids: [0, 0, 0, 0] } }).allowed).toBe('yes');
  });

  it('user namespaces: the capability counts in our own and below', () => {
    const ids = { uids: [7, 7, 7, 7] };
    expect(decide({ caller: privileged, target: { ...ids, userNamespace: other } }).allowed).toBe('yes');
    expect(decide({ target: { userNamespace: other } }).allowed).toBe('unknown');
    const inside = { ...privileged, userNamespace: other };
    expect(decide({ caller: inside, target: ids }).allowed).toBe('no');
    expect(decide({ caller: inside, target: { ...ids, userNamespace: other } }).allowed).toBe('yes');
    expect(decide({ caller: inside, target: { ...ids, userNamespace: 'user:[4026532999]' } }).allowed).toBe('unknown');
    // Ids without a name all look the same.
    const nameless = { uids: [NOBODY, NOBODY, NOBODY, NOBODY], gids: [NOBODY, NOBODY, NOBODY, NOBODY] };
    const both = { caller: { ...nameless, userNamespace: other }, target: { ...nameless, userNamespace: other } };
    expect(decide(both).allowed).toBe('unknown');
    // Memory may belong to a namespace above the one that the process is in.
    const undumpable = { ...ids, userNamespace: other, dumpable: 'no' } as const;
    expect(decide({ caller: inside, target: undumpable }).allowed).toBe('unknown');
    expect(decide({ caller: privileged, target: undumpable }).allowed).toBe('yes');
    expect(decide({ target: { dumpable: 'no' } }).allowed).toBe('no');
  });

  it('the kernel has the last word where it can be asked', () => {
    const says = (read: 'granted' | 'refused', attach: 'granted' | 'refused' | 'unknown'): Change => ({
      world: { kernelSays: { read, attach } },
    });
    expect(decide({ ...says('refused', 'unknown') }).findings[0]?.kind).toBe('security-module');
    expect(decide({ ...says('granted', 'granted'), target: { userNamespace: other } }).allowed).toBe('yes');
    expect(decide({ ...says('refused', 'unknown'), target: { dumpable: 'unknown' } }).findings[0]).toMatchObject({
      kind: 'not-dumpable',
      blocks: 'yes',
    });
    // Asked with other ids than an attach takes, it says nothing of an attach.
    expect(decide({ ...says('refused', 'refused'), caller: { uids: [1000, 0, 0, 0] } }).allowed).toBe('yes');
  });

  it('security modules by name, and AppArmor by label', () => {
    const enforcing = { selinux: { enforcing: true, denyPtrace: true }, securityModules: undefined };
    const refused = { read: 'granted', attach: 'refused' } as const;
    const report = decide({ world: { ...enforcing, kernelSays: refused } });
    expect(find(report, 'security-module').modules.join()).toContain('SELinux (enforcing, deny_ptrace is on)');
    const labelled = { caller: { label: 'docker-default (enforce)' }, target: { label: 'unconfined' } };
    const confined = decide({ ...labelled, world: { kernelSays: { read: 'granted', attach: 'unknown' } } });
    expect(confined.allowed).toBe('unknown');
    expect(find(confined, 'security-module').modules).toEqual(['AppArmor (docker-default (enforce))']);
    expect(decide({ world: { securityModules: undefined } }).allowed).toBe('unknown');
  });

  it('the container, only where CAP_SYS_PTRACE would help', () => {
    const inContainer = { caller: { container: '/.dockerenv is there' } };
    const report = decide({ ...inContainer, target: { uids: [0, 0, 0, 0] } });
    expect(find(report, 'container').remedy).toContain('--cap-add=SYS_PTRACE');
    expect(decide(inContainer).findings.map(({ kind }) => kind)).not.toContain('container');
    const asRoot = { caller: { ...privileged, container: 'x' }, target: { state: 'Z' } };
    expect(decide(asRoot).findings.map(({ kind }) => kind)).not.toContain('container');
  });

  it('a tracer outside of the pid namespace', () => {
    expect(find(decide({ target: { state: 't', tracer: { tid: 0 } } }), 'already-traced').sentence).toContain(
      'outside',
    );
  });

  it('reports are plain data', () => {
    const report = decide({ target: { uids: [0, 0, 0, 0], dumpable: 'no' }, world: { yamaScope: 1 } });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});
