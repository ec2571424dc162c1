/** Who may trace whom: ids, the dumpable attribute, capabilities, user namespaces. */
import { readFileSync } from 'node:fs';
import { PTRACE_O } from '../../../kernel/options.js';
import { PTRACE } from '../../../kernel/requests.js';
import { type ChildScript, CLONE, result } from '../../../raw/child.js';
import { become, CAP, NOBODY, OTHER, seizedBy, setDumpable, sleeper, somebody } from '../../parts/credentials.js';
import { tinyProgram } from '../../parts/programs.js';
import { executable, scratchDirectory } from '../../parts/scratch.js';
import { ask } from '../../parts/script-requests.js';
import { commit, manual, scenario, type Scenario } from '../../scenario.js';
import { page } from './tools.js';

const access = page('Ptrace access mode checking');
const AT_FDCWD = -100;

/** In a script: what a call gives that answers with a length, 0 for any. */
function readsLink(c: ChildScript, word: string, path: string): void {
  c.syscall('readlinkat', AT_FDCWD, path, c.address('link'), 8).when(result, '>', 0, (yes) => yes.set(0));
  c.store(word);
}

/** In a script: reads 8 bytes of another process's memory. */
function readsMemory(c: ChildScript, word: string, pid: number, address: bigint): void {
  for (const [iovec, base] of [
    ['local', c.address('bytes')],
    ['remote', address],
  ] as const) {
    c.buffer(iovec, 16).storeAt(c.address(iovec), base);
    c.compute(c.address(iovec), 'add', 8, 1).storeAt(c.register(1), 8);
  }
  c.syscall('process_vm_readv', pid, c.address('local'), 1, c.address('remote'), 1, 0);
  c.when(result, '>', 0, (yes) => yes.set(0)).store(word);
}

export const accessModes: readonly Scenario[] = [
  scenario({
    id: 'access-ids',
    title:
      'Without capabilities a tracer’s real user and group id must be the real, effective and saved ones of the target',
    source: [access],
    needs: ['root', 'cap-sys-ptrace', 'unprivileged-tracers'],
    tags: ['access', 'credentials', 'errors'],
    rule:
      'One id of the six that is another’s is enough to refuse: the target may have, or get back, rights that the tracer does not have. Of the tracer it is ' +
      'the real ids that count, whatever it has for effective ones.',
    since: '4.5',
    play(s) {
      const same = { uid: NOBODY, gid: NOBODY };
      const e = sleeper(s, 'E', same);
      seizedBy(s, 'T with the same ids', same, e);
      seizedBy(s, 'T with another user', { uid: OTHER }, e);
      seizedBy(s, 'T with another group', { gid: OTHER }, e);
      seizedBy(s, 'T with another effective user only', { uid: [NOBODY, OTHER, NOBODY] }, e);
      seizedBy(s, 'T with another real user only', { uid: [OTHER, NOBODY, NOBODY] }, e);
      seizedBy(s, 'T with another real group only', { gid: [OTHER, NOBODY, NOBODY] }, e);
      const targets = [
        ['real user', { uid: [OTHER, NOBODY, NOBODY] }],
        ['effective user', { uid: [NOBODY, OTHER, NOBODY] }],
        ['saved user', { uid: [NOBODY, NOBODY, OTHER] }],
        ['real group', { gid: [OTHER, NOBODY, NOBODY] }],
        ['effective group', { gid: [NOBODY, OTHER, NOBODY] }],
        ['saved group', { gid: [NOBODY, NOBODY, OTHER] }],
      ] as const;
      for (const [which, ids] of targets) {
        seizedBy(s, `T of a target with another ${which}`, same, sleeper(s, which, { ...same, ...ids }));
      }
    },
    expect: `
      T with the same ids: SEIZE = 0
      T with another user: SEIZE = EPERM
      T with another group: SEIZE = EPERM
      T with another effective user only: SEIZE = 0
      T with another real user only: SEIZE = EPERM
      T with another real group only: SEIZE = EPERM
      T of a target with another real user: SEIZE = EPERM
      T of a target with another effective user: SEIZE = EPERM
      T of a target with another saved user: SEIZE = EPERM
      T of a target with another real group: SEIZE = EPERM
      T of a target with another effective group: SEIZE = EPERM
      T of a target with another saved group: SEIZE = EPERM
    `,
  }),

  scenario({
    id: 'access-dumpable',
    title: 'A process that is not dumpable is traced by the same user only with CAP_SYS_PTRACE',
    source: [access, manual('PR_SET_DUMPABLE(2const)', 'DESCRIPTION')],
    needs: ['root', 'cap-sys-ptrace', 'unprivileged-tracers'],
    tags: ['access', 'dumpable', 'errors'],
    rule:
      'A change of the user makes a process not dumpable, since its memory may hold what it had read as somebody else; PR_SET_DUMPABLE says otherwise. That is ' +
      'why a daemon that has given up root cannot be attached to by its own user.',
    since: '3.4',
    play(s) {
      const e = s.child('E', (c) => {
        become(c, { dumpable: false });
        c.setPtracerAny().store('dumpable', 0).store('turn', 1).waitUntil('gate', '>=', 1);
        setDumpable(c, true);
        c.store('turn', 2).waitUntil('gate', '>=', 2);
        setDumpable(c, false);
        c.store('turn', 3).loop((again) => again.pause());
      });
      e.untilWord('turn', 1n);
      seizedBy(s, 'T after the change of user', {}, e);
      e.setWord('gate', 1n);
      e.untilWord('turn', 2n);
      seizedBy(s, 'T after PR_SET_DUMPABLE 1', {}, e);
      e.setWord('gate', 2n);
      e.untilWord('turn', 3n);
      seizedBy(s, 'T after PR_SET_DUMPABLE 0', {}, e);
      seizedBy(s, 'T with CAP_SYS_PTRACE', { uid: OTHER, permitted: [CAP.SYS_PTRACE], effective: [CAP.SYS_PTRACE] }, e);
    },
    expect: `
      T after the change of user: SEIZE = EPERM
      T after PR_SET_DUMPABLE 1: SEIZE = 0
      T after PR_SET_DUMPABLE 0: SEIZE = EPERM
      T with CAP_SYS_PTRACE: SEIZE = 0
    `,
  }),

  scenario({
    id: 'access-unreadable-program',
    title: 'Who executes a program that he may not read cannot be traced by himself',
    source: [access, manual('PR_SET_DUMPABLE(2const)', 'DESCRIPTION')],
    needs: ['root', 'cap-sys-ptrace', 'unprivileged-tracers'],
    tags: ['access', 'dumpable', 'exec', 'errors'],
    rule:
      'A tracer reads all of the memory, so the program’s file too: a process that executes one without the right to read it is not dumpable from then on. ' +
      'The target stands at the first instruction of its program here, stopped by a signal and traced by nobody.',
    since: '3.4',
    play(s) {
      const unreadable = executable(scratchDirectory(s), 'unreadable', readFileSync(tinyProgram()), 0o711);
      for (const [name, path] of [
        ['readable', tinyProgram()],
        ['unreadable', unreadable],
      ] as const) {
        const e = s.tracee(
          name,
          (c) => {
            become(c, {});
            c.setPtracerAny().exec(path).exitGroup(127);
          },
          { options: PTRACE_O.TRACEEXEC },
        );
        e.cont();
        e.wait();
        s.unrecorded(() => {
          e.tgkill('SIGSTOP');
          e.detach();
        });
        e.untilState('T');
        seizedBy(s, `T of the ${name} one`, {}, e);
      }
    },
    expect: `
      readable: CONT = 0
      readable: wait = event EXEC
      T of the readable one: SEIZE = 0
      unreadable: CONT = 0
      unreadable: wait = event EXEC
      T of the unreadable one: SEIZE = EPERM
    `,
  }),

  scenario({
    id: 'access-capabilities',
    title:
      'CAP_SYS_PTRACE traces any user’s processes; without it the target’s permitted capabilities must all be the tracer’s',
    source: [access],
    needs: ['root', 'cap-sys-ptrace', 'unprivileged-tracers'],
    tags: ['access', 'capabilities', 'errors'],
    rule:
      'The same user is not enough where the target may do more: a tracer would get by injection what it does not have. What counts is what is permitted, not ' +
      'what is in effect, on both sides. CAP_SYS_PTRACE itself must be in effect.',
    since: '4.5',
    play(s) {
      const root = sleeper(s, 'root', { uid: 0, gid: 0 });
      seizedBy(s, 'T of root, with nothing', {}, root);
      seizedBy(s, 'T of root, CAP_SYS_PTRACE permitted', { permitted: [CAP.SYS_PTRACE] }, root);
      const both = { permitted: [CAP.SYS_PTRACE], effective: [CAP.SYS_PTRACE] };
      seizedBy(s, 'T of root, CAP_SYS_PTRACE in effect', both, root);
      const e = sleeper(s, 'E', { permitted: [CAP.CHOWN] });
      seizedBy(s, 'T with nothing', {}, e);
      seizedBy(s, 'T with the same permitted', { permitted: [CAP.CHOWN] }, e);
      seizedBy(s, 'T with CAP_SYS_PTRACE in effect', both, e);
    },
    expect: `
      T of root, with nothing: SEIZE = EPERM
      T of root, CAP_SYS_PTRACE permitted: SEIZE = EPERM
      T of root, CAP_SYS_PTRACE in effect: SEIZE = 0
      T with nothing: SEIZE = EPERM
      T with the same permitted: SEIZE = 0
      T with CAP_SYS_PTRACE in effect: SEIZE = 0
    `,
  }),

  scenario({
    id: 'access-traceme',
    title: 'TRACEME asks only whether the parent has the capabilities of its child, not whose it is',
    source: [access],
    needs: ['root', 'cap-sys-ptrace', 'unprivileged-tracers'],
    tags: ['access', 'traceme', 'capabilities', 'errors'],
    rule:
      'Who asks to be traced gives its tracer what it has, so a child with more capabilities than its parent must not: EPERM, unless the parent has ' +
      'CAP_SYS_PTRACE. The users of the two are not compared.',
    play(s) {
      const cases = [
        ['a child of another user', { uid: OTHER }],
        ['a child with a capability', { permitted: [CAP.CHOWN] }],
        ['a child that is root', { uid: 0, gid: 0 }],
      ] as const;
      for (const [name, credentials] of cases) {
        const p = s.child(name, (c) => {
          c.fork((e) => {
            become(e, credentials);
            e.store('ready', 1).waitUntil('gate', '!=', 0);
            e.traceme().store('TRACEME').store('done', 1);
            e.loop((again) => again.pause());
          }).store('E');
          // Only now: the child is to have more than its parent.
          become(c, {});
          c.store('parent ready', 1).loop((again) => again.pause());
        });
        p.untilSet('parent ready');
        const e = s.adoptFork(name, Number(p.word('E')), p);
        e.untilSet('ready');
        e.setWord('gate', 1n);
        e.untilSet('done');
        e.result('TRACEME');
      }
    },
    expect: `
      a child of another user: TRACEME = 0
      a child with a capability: TRACEME = EPERM
      a child that is root: TRACEME = EPERM
    `,
  }),

  scenario({
    id: 'access-realcreds-fscreds',
    title: 'ptrace and process_vm_readv ask for the caller’s real ids, the files of /proc for its filesystem ids',
    source: [access, commit('caaee6234d05', 'ptrace: use fsuid, fsgid, effective creds for fs access checks')],
    needs: ['root', 'cap-sys-ptrace', 'unprivileged-tracers', 'memory.process_vm_readv'],
    tags: ['access', 'credentials', 'proc', 'errors'],
    rule:
      'It is one check with two kinds of credentials: a program that is set-uid must not open files by the rights of who started it, nor let him act by its ' +
      'own. /proc/PID/exe gives EACCES where ptrace gives EPERM. A process may always look at itself, whatever it is.',
    since: '4.5',
    play(s) {
      const e = sleeper(s, 'E', {});
      const all = (c: ChildScript): void => {
        ask(c, 'SEIZE', PTRACE.SEIZE, e.tid);
        readsMemory(c, 'process_vm_readv', e.tid, e.address('ready'));
        readsLink(c, 'readlink', `/proc/${e.tid}/exe`);
        c.syscall('get_robust_list', e.tid, c.address('head'), c.address('length')).store('get_robust_list');
      };
      const words = ['SEIZE', 'process_vm_readv', 'get_robust_list', 'readlink'] as const;
      somebody(s, 'T with the same ids', {}, all, ...words);
      somebody(s, 'T with the same real ids', { uid: [NOBODY, OTHER, OTHER] }, all, ...words);
      somebody(s, 'T with the same effective ids', { uid: [OTHER, NOBODY, NOBODY] }, all, ...words);
      const own = (c: ChildScript): void => {
        readsLink(c, 'readlink of its own', '/proc/self/exe');
      };
      somebody(s, 'T not dumpable', { dumpable: false }, own, 'readlink of its own');
    },
    expect: `
      T with the same ids: SEIZE = 0
      T with the same ids: process_vm_readv = 0
      T with the same ids: get_robust_list = 0
      T with the same ids: readlink = 0
      T with the same real ids: SEIZE = 0
      T with the same real ids: process_vm_readv = 0
      T with the same real ids: get_robust_list = 0
      T with the same real ids: readlink = EACCES
      T with the same effective ids: SEIZE = EPERM
      T with the same effective ids: process_vm_readv = EPERM
      T with the same effective ids: get_robust_list = EPERM
      T with the same effective ids: readlink = 0
      T not dumpable: readlink of its own = 0
    `,
  }),

  scenario({
    id: 'access-user-namespace',
    title: 'The owner of a user namespace may trace what is in it; who is in it may not trace its own user outside',
    source: [access, manual('user_namespaces(7)', 'Capabilities')],
    needs: ['root', 'cap-sys-ptrace', 'user-namespaces'],
    tags: ['access', 'user-namespace', 'capabilities', 'errors'],
    rule:
      'Where tracer and target are in different user namespaces, the tracer needs CAP_SYS_PTRACE in that of the target. Its owner, outside, has all ' +
      'capabilities there; a process inside has all in it and none outside, so the same user is not enough.',
    since: '4.5',
    play(s) {
      const outside = sleeper(s, 'outside', {});
      const p = s.child('inside', (c) => {
        become(c, {});
        c.syscall('unshare', CLONE.NEWUSER).store('unshare');
        setDumpable(c, true);
        c.setPtracerAny()
          .fork((e) => e.loop((again) => again.pause()))
          .store('E');
        c.store('ready', 1).waitUntil('gate', '!=', 0);
        ask(c, 'SEIZE of the same user outside', PTRACE.SEIZE, outside.tid);
        ask(c, 'SEIZE of its child inside', PTRACE.SEIZE, c.word('E'));
        c.store('done', 1).loop((again) => again.pause());
      });
      p.untilSet('ready');
      if (p.word('unshare') !== 0n) s.skip('an unprivileged process cannot make a user namespace here');
      seizedBy(s, 'T that owns the namespace', {}, p);
      seizedBy(s, 'T of another user', { uid: OTHER, gid: OTHER }, p);
      p.setWord('gate', 1n);
      p.untilSet('done');
      p.result('SEIZE of the same user outside');
      p.result('SEIZE of its child inside');
    },
    expect: `
      T that owns the namespace: SEIZE = 0
      T of another user: SEIZE = EPERM
      inside: SEIZE of the same user outside = EPERM
      inside: SEIZE of its child inside = 0
    `,
  }),
];
