/** Yama's ptrace_scope: what each value allows. */
import { PTRACE } from '../../../kernel/requests.js';
import { type Part, result, script } from '../../../raw/child.js';
import * as raw from '../../../raw/index.js';
import { ERRNO } from '../../../kernel/errno.js';
import { become } from '../../parts/credentials.js';
import { dismiss, helper } from '../../parts/helper-process.js';
import { ask } from '../../parts/script-requests.js';
import { yamaScope } from '../../parts/yama.js';
import { scenario, type Scenario } from '../../scenario.js';
import { resultText } from '../../describe.js';
import { page } from './tools.js';

const REFUSED = 1;

/** For each scope from 0 to 2: whether it is allowed. */
type Allowed = readonly [boolean, boolean, boolean];

export const yamaScopes: readonly Scenario[] = [
  scenario({
    id: 'yama-scope',
    title: 'ptrace_scope 1 leaves the descendants of an unprivileged tracer, and 2 only CAP_SYS_PTRACE',
    source: [page('/proc/sys/kernel/yama/ptrace_scope')],
    needs: ['root', 'cap-sys-ptrace', 'yama'],
    tags: ['access', 'yama', 'errors'],
    rule:
      'Yama comes after the other checks and only refuses: with EPERM, so that a tracer cannot tell why. The ' +
      'transcript tells whether each case is as the scope of this machine says.',
    since: '3.4',
    play(s) {
      const scope = yamaScope();
      const e = s.child('E', (c) => {
        become(c, {});
        c.store('ready', 1).loop((again) => again.pause());
      });
      e.untilSet('ready');
      const check = (name: string, allowed: Allowed, part: Part): void => {
        const t = helper(s, name, part);
        const text = resultText(t.word('result'));
        t.observe('result', text === (allowed[scope] === true ? '0' : 'EPERM') ? 'as the scope says' : text);
        dismiss(t);
      };
      check('SEIZE of a sibling', [true, false, false], (c) => {
        become(c, {});
        ask(c, 'result', PTRACE.SEIZE, e.tid);
      });
      check('SEIZE of a child', [true, true, false], (c) => {
        become(c, {});
        c.fork((f) => f.loop((again) => again.pause())).store('F');
        ask(c, 'result', PTRACE.SEIZE, c.word('F'));
      });
      check('SEIZE with CAP_SYS_PTRACE', [true, true, true], (c) => {
        ask(c, 'result', PTRACE.SEIZE, e.tid);
      });
      check('TRACEME of a child whose parent has no capability', [true, true, false], (c) => {
        become(c, {});
        c.vfork((f) => f.traceme().store('result').exitGroup(0));
      });
    },
    expect: `
      SEIZE of a sibling: result = as the scope says
      SEIZE of a child: result = as the scope says
      SEIZE with CAP_SYS_PTRACE: result = as the scope says
      TRACEME of a child whose parent has no capability: result = as the scope says
    `,
  }),

  scenario({
    id: 'yama-no-attach',
    title:
      'With a ptrace_scope of 3 nobody may trace, be traced at his own wish, or look into another process’s memory',
    source: [page('/proc/sys/kernel/yama/ptrace_scope')],
    needs: ['no-tracing'],
    tags: ['access', 'yama', 'errors'],
    rule:
      'Also root and the parent get EPERM, by ATTACH, SEIZE and TRACEME, and by what asks for the same access: process_vm_readv(2). What does not come so far ' +
      'keeps its own error. The scope cannot be changed before the next boot, so no other scenario can be played.',
    since: '3.4',
    play(s) {
      const e = s.child(
        'E',
        script()
          .store('nothing', 0)
          .loop((again) => again.pause()),
      );
      e.untilState('S');
      e.attach();
      e.seize();
      e.observe(
        'process_vm_readv',
        s.attempt(() => raw.processVmRead(e.tid, e.address('nothing'), new Uint8Array(8))),
      );
      e.tracer();
      const t = s.child(
        'T',
        script()
          .traceme()
          .when(result, '==', -ERRNO.EPERM, (refused) => refused.exitGroup(REFUSED))
          .exitGroup(0),
      );
      t.wait();
      // It was reaped: there is no such process.
      t.attach();
    },
    expect: `
      E: ATTACH = EPERM
      E: SEIZE = EPERM
      E: process_vm_readv = EPERM
      E: tracer = nobody
      T: wait = exited ${REFUSED}
      T: ATTACH = ESRCH
    `,
  }),
];
