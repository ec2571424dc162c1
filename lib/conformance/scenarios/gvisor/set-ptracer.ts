/** PR_SET_PTRACER: the exception that a process makes from Yama's ptrace_scope 1, and whom it is for. */
import { unprivileged } from '../../parts/credentials.js';
import { NO_SUCH_TID } from '../../parts/nothing.js';
import { needsScope } from '../../parts/yama.js';
import { manual, scenario, type Scenario } from '../../scenario.js';
import { ANY_PTRACER, gvisorTest, inTurns, setPtracer, tryAttach, turn, withoutCapability } from './tools.js';

const page = manual('prctl(2)', 'PR_SET_PTRACER');

export const setPtracerScenarios: readonly Scenario[] = [
  scenario({
    id: 'PrctlSetPtracerInvalidPID',
    title: 'PR_SET_PTRACER with the id of no process gives EINVAL, and so it does where there is no Yama',
    source: [gvisorTest('PrctlSetPtracerInvalidPID'), page],
    tags: ['yama', 'errors'],
    rule:
      'The id is looked up when the call is made. A kernel without Yama does not know the option at all, which is EINVAL too: the error does not tell ' +
      'the two apart.',
    since: '3.4',
    play(s) {
      needsScope(s, 0, 2);
      const e = s.child('E', (c) => {
        inTurns(c, () => {
          setPtracer(c, 'PR_SET_PTRACER of no process', NO_SUCH_TID);
        });
      });
      turn(e);
      e.result('PR_SET_PTRACER of no process');
    },
    expect: `
      E: PR_SET_PTRACER of no process = EINVAL
    `,
  }),

  scenario({
    id: 'PrctlSetPtracer',
    title:
      'PR_SET_PTRACER lets the named process, its descendants or anybody attach to the caller’s process, until another call',
    source: [gvisorTest('PrctlSetPtracerPID'), gvisorTest('PrctlSetPtracerAny'), gvisorTest('PrctlClearPtracer'), page],
    also: ['PrctlSetPtracerPID', 'PrctlSetPtracerAny', 'PrctlClearPtracer', 'PrctlReplacePtracer', 'set_ptracer'],
    tags: ['yama', 'attach', 'threads'],
    rule:
      'A crash handler calls it so that a sibling may trace it. The exception is made by any thread for the whole process, allows the named process with ' +
      'all its threads and descendants, and replaces the one before; 0 takes it away. It does not reach to the parent or the children of the caller.',
    since: '3.4',
    needs: ['yama'],
    play(s) {
      needsScope(s, 1, 1);
      withoutCapability(s);
      const p = s.child('P', (c) => {
        unprivileged(c);
        c.syscall('getpid').store('P');
        c.fork((e) => {
          e.thread((thread) => {
            inTurns(
              thread,
              () => {
                setPtracer(thread, 'PR_SET_PTRACER of T', thread.word('T'));
              },
              () => {
                setPtracer(thread, 'PR_SET_PTRACER of P', thread.word('P'));
              },
              () => {
                setPtracer(thread, 'PR_SET_PTRACER of any', ANY_PTRACER);
              },
              () => {
                setPtracer(thread, 'PR_SET_PTRACER of U', thread.word('U'));
              },
              () => {
                setPtracer(thread, 'PR_SET_PTRACER of any again', ANY_PTRACER);
                setPtracer(thread, 'PR_SET_PTRACER of 0', 0);
              },
            );
          });
          e.loop((again) => again.pause());
        }).store('E');
        c.fork((t) => {
          t.thread((thread) => {
            thread.waitUntil('thread', '!=', 0);
            tryAttach(thread, 'E named T: ATTACH by a thread of T', thread.word('E'));
            thread.store('thread done', 1).loop((again) => again.pause());
          });
          inTurns(
            t,
            ...[
              'at first',
              'E named T',
              'E named P',
              'E named any',
              'E named U',
              'E named 0',
              'P named T',
              'P named 0',
            ].map((when) => () => {
              tryAttach(t, `${when}: ATTACH of E`, t.word('E'));
              tryAttach(t, `${when}: ATTACH of P`, t.word('P'));
            }),
          );
        }).store('T');
        inTurns(
          c,
          () => {
            setPtracer(c, 'PR_SET_PTRACER of T', c.word('T'));
          },
          () => {
            setPtracer(c, 'PR_SET_PTRACER of 0', 0);
          },
        );
      });
      const t = s.adoptFork('T', Number(p.untilSet('T')), p);
      const e = s.adoptFork('E', Number(p.word('E')), p);
      const tryBoth = (when: string): void => {
        turn(t);
        t.result(`${when}: ATTACH of E`);
        t.result(`${when}: ATTACH of P`);
      };
      tryBoth('at first');
      e.setWord('T', BigInt(t.tid));
      e.setWord('U', BigInt(s.pauser('U').tid));
      turn(e);
      e.result('PR_SET_PTRACER of T');
      tryBoth('E named T');
      t.setWord('thread', 1n);
      t.untilSet('thread done');
      t.result('E named T: ATTACH by a thread of T');
      turn(e);
      e.result('PR_SET_PTRACER of P');
      tryBoth('E named P');
      turn(e);
      e.result('PR_SET_PTRACER of any');
      tryBoth('E named any');
      turn(e);
      e.result('PR_SET_PTRACER of U');
      tryBoth('E named U');
      turn(e);
      e.result('PR_SET_PTRACER of any again');
      e.result('PR_SET_PTRACER of 0');
      tryBoth('E named 0');
      turn(p);
      p.result('PR_SET_PTRACER of T');
      tryBoth('P named T');
      turn(p);
      p.result('PR_SET_PTRACER of 0');
      tryBoth('P named 0');
    },
    expect: `
      T: at first: ATTACH of E = EPERM
      T: at first: ATTACH of P = EPERM
      E: PR_SET_PTRACER of T = 0
      T: E named T: ATTACH of E = 0
      T: E named T: ATTACH of P = EPERM
      T: E named T: ATTACH by a thread of T = 0
      E: PR_SET_PTRACER of P = 0
      T: E named P: ATTACH of E = 0
      T: E named P: ATTACH of P = EPERM
      E: PR_SET_PTRACER of any = 0
      T: E named any: ATTACH of E = 0
      T: E named any: ATTACH of P = EPERM
      E: PR_SET_PTRACER of U = 0
      T: E named U: ATTACH of E = EPERM
      T: E named U: ATTACH of P = EPERM
      E: PR_SET_PTRACER of any again = 0
      E: PR_SET_PTRACER of 0 = 0
      T: E named 0: ATTACH of E = EPERM
      T: E named 0: ATTACH of P = EPERM
      P: PR_SET_PTRACER of T = 0
      T: P named T: ATTACH of E = EPERM
      T: P named T: ATTACH of P = 0
      P: PR_SET_PTRACER of 0 = 0
      T: P named 0: ATTACH of E = EPERM
      T: P named 0: ATTACH of P = EPERM
    `,
  }),
];
