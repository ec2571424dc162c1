/** Who may attach to whom: Yama's ptrace_scope, the descent of processes, and the capability that is above it. */
import { unprivileged } from '../../parts/credentials.js';
import { ask } from '../../parts/script-requests.js';
import { needsScope } from '../../parts/yama.js';
import { commit, manual, scenario, type Scenario } from '../../scenario.js';
import { gvisorTest, inTurns, tryAttach, turn, withoutCapability } from './tools.js';
import { result } from '../../../raw/child.js';
import { PTRACE } from '../../../kernel/requests.js';

const yamaPage = manual('ptrace(2)', '/proc/sys/kernel/yama/ptrace_scope');
const yamaCommit = commit('2d514487faf1', 'security: Yama LSM');

export const yama: readonly Scenario[] = [
  scenario({
    id: 'TraceParentNotAllowed',
    title: 'With a ptrace_scope of 1 or more an unprivileged process may not attach to its parent',
    source: [gvisorTest('TraceParentNotAllowed'), yamaPage, yamaCommit],
    tags: ['yama', 'attach', 'errors'],
    rule:
      'Yama narrows what the same user may do to its own processes: with scope 1 a process may be attached to by its ancestors alone. A parent is no ' +
      'descendant of its child. SEIZE is refused as ATTACH is.',
    since: '3.4',
    needs: ['yama'],
    play(s) {
      needsScope(s, 1, 2);
      withoutCapability(s);
      const p = s.child('P', (c) => {
        unprivileged(c);
        c.fork((child) => {
          inTurns(child, () => {
            child.syscall('getppid').set(result, 1);
            tryAttach(child, 'ATTACH of its parent', child.register(1));
            ask(child, 'SEIZE of its parent', PTRACE.SEIZE, child.register(1));
          });
        }).store('C');
        c.loop((again) => again.pause());
      });
      const c = s.adoptFork('C', Number(p.untilSet('C')), p);
      turn(c);
      c.result('ATTACH of its parent');
      c.result('SEIZE of its parent');
    },
    expect: `
      C: ATTACH of its parent = EPERM
      C: SEIZE of its parent = EPERM
    `,
  }),

  scenario({
    id: 'TraceNonDescendantNotAllowed',
    title: 'With a ptrace_scope of 1 or more an unprivileged process may not attach to its sibling',
    source: [gvisorTest('TraceNonDescendantNotAllowed'), yamaPage, yamaCommit],
    also: ['attach-p-eperm-yama'],
    tags: ['yama', 'attach', 'errors'],
    rule:
      'The same user is not enough under Yama: the tracee must descend from the tracer, or have named it by PR_SET_PTRACER. The error is the EPERM of any ' +
      'other refusal, so a tool has to read ptrace_scope to tell its user why.',
    since: '3.4',
    needs: ['yama'],
    play(s) {
      needsScope(s, 1, 2);
      withoutCapability(s);
      const e = s.child('E', (c) => {
        unprivileged(c);
        inTurns(c, () => undefined);
      });
      turn(e);
      const t = s.child('T', (c) => {
        unprivileged(c);
        inTurns(c, () => {
          tryAttach(c, 'ATTACH of its sibling', e.tid);
          ask(c, 'SEIZE of its sibling', PTRACE.SEIZE, e.tid);
        });
      });
      turn(t);
      t.result('ATTACH of its sibling');
      t.result('SEIZE of its sibling');
      e.tracer();
    },
    expect: `
      T: ATTACH of its sibling = EPERM
      T: SEIZE of its sibling = EPERM
      E: tracer = nobody
    `,
  }),

  scenario({
    id: 'TraceNonDescendantWithCapabilityAllowed',
    title: 'CAP_SYS_PTRACE lets a process attach to one of another user that does not descend from it',
    source: [gvisorTest('TraceNonDescendantWithCapabilityAllowed'), manual('ptrace(2)', 'Ptrace access mode checking')],
    tags: ['yama', 'attach', 'capability'],
    rule: 'The capability, in the user namespace of the tracee, is above both the check of user ids and Yama’s scopes 1 and 2. Only scope 3 refuses everybody.',
    needs: ['root', 'cap-sys-ptrace'],
    play(s) {
      needsScope(s, 0, 2);
      const e = s.child('E', (c) => {
        unprivileged(c);
        inTurns(c, () => undefined);
      });
      turn(e);
      const t = s.child('T', (c) => {
        inTurns(c, () => {
          tryAttach(c, 'ATTACH of its sibling', e.tid);
        });
      });
      turn(t);
      t.result('ATTACH of its sibling');
      t.result('ATTACH of its sibling, DETACH');
    },
    expect: `
      T: ATTACH of its sibling = 0
      T: ATTACH of its sibling, DETACH = 0
    `,
  }),

  scenario({
    id: 'TraceDescendantsAllowed',
    title: 'Up to ptrace_scope 1 an unprivileged process may attach to every thread of its grandchild',
    source: [gvisorTest('TraceDescendantsAllowed'), yamaPage],
    tags: ['yama', 'attach', 'threads'],
    rule:
      'Descent counts over any number of generations, and for processes: a thread that is not the leader has the ancestors of its process. So a debugger ' +
      'that starts its program may trace all that comes of it.',
    play(s) {
      needsScope(s, 0, 1);
      withoutCapability(s);
      const t = s.child('T', (c) => {
        unprivileged(c);
        c.fork((child) => {
          child.fork((grandchild) => {
            grandchild.thread((thread) =>
              thread
                .syscall('gettid')
                .store('thread')
                .loop((again) => again.pause()),
            );
            grandchild.loop((again) => again.pause());
          });
          child.store('grandchild').loop((again) => again.pause());
        }).store('C');
        inTurns(c, () => {
          tryAttach(c, 'ATTACH of the grandchild', c.word('leader'));
          tryAttach(c, 'ATTACH of its thread', c.word('thread'));
        });
      });
      const child = s.adoptFork('C', Number(t.untilSet('C')), t);
      const grandchild = s.adoptFork('G', Number(child.untilSet('grandchild')), t);
      t.setWord('leader', BigInt(grandchild.tid));
      t.setWord('thread', grandchild.untilSet('thread'));
      turn(t);
      t.result('ATTACH of the grandchild');
      t.result('ATTACH of the grandchild, DETACH');
      t.result('ATTACH of its thread');
      t.result('ATTACH of its thread, DETACH');
    },
    expect: `
      T: ATTACH of the grandchild = 0
      T: ATTACH of the grandchild, DETACH = 0
      T: ATTACH of its thread = 0
      T: ATTACH of its thread, DETACH = 0
    `,
  }),

  scenario({
    id: 'PrctlNotInherited',
    title: 'What PR_SET_PTRACER allows is the process’s own and is not inherited by its children',
    source: [gvisorTest('PrctlNotInherited'), manual('prctl(2)', 'PR_SET_PTRACER')],
    tags: ['yama', 'attach', 'fork'],
    rule: 'Yama keeps one exception for each process, found by its leader. A fork makes a process of which it knows nothing.',
    since: '3.4',
    needs: ['yama'],
    play(s) {
      needsScope(s, 1, 1);
      withoutCapability(s);
      const p = s.child('P', (c) => {
        unprivileged(c);
        c.setPtracerAny().fork((child) => child.loop((again) => again.pause()));
        c.store('E').loop((again) => again.pause());
      });
      const e = s.adopt('E', Number(p.untilSet('E')));
      const t = s.child('T', (c) => {
        unprivileged(c);
        inTurns(c, () => {
          tryAttach(c, 'ATTACH of P', p.tid);
          tryAttach(c, 'ATTACH of its child', e.tid);
        });
      });
      turn(t);
      t.result('ATTACH of P');
      t.result('ATTACH of its child');
    },
    expect: `
      T: ATTACH of P = 0
      T: ATTACH of its child = EPERM
    `,
  }),
];
