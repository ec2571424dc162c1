/** Yama's ptrace_scope: what each value allows. */
import { PTRACE } from '../../../kernel/requests.js';
import type { Part } from '../../../raw/child.js';
import { become } from '../../parts/credentials.js';
import { dismiss, helper } from '../../parts/helper-process.js';
import { ask } from '../../parts/script-requests.js';
import { yamaScope } from '../../parts/yama.js';
import { scenario, type Scenario } from '../../scenario.js';
import { resultText } from '../../describe.js';
import { page } from './tools.js';

/** For each scope from 0 to 3: whether it is allowed. */
type Allowed = readonly [boolean, boolean, boolean, boolean];

export const yamaScopes: readonly Scenario[] = [
  scenario({
    id: 'yama-scope',
    title: 'ptrace_scope 1 leaves the descendants of an unprivileged tracer, 2 only CAP_SYS_PTRACE, 3 nothing',
    source: [page('/proc/sys/kernel/yama/ptrace_scope')],
    needs: ['root', 'cap-sys-ptrace', 'yama'],
    tags: ['access', 'yama', 'errors'],
    rule:
      'Yama comes after the other checks and only refuses: with EPERM, so that a tracer cannot tell why. 3 cannot be changed before the next boot. The ' +
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
      check('SEIZE of a sibling', [true, false, false, false], (c) => {
        become(c, {});
        ask(c, 'result', PTRACE.SEIZE, e.tid);
      });
      check('SEIZE of a child', [true, true, false, false], (c) => {
        become(c, {});
        c.fork((f) => f.loop((again) => again.pause())).store('F');
        ask(c, 'result', PTRACE.SEIZE, c.word('F'));
      });
      check('SEIZE with CAP_SYS_PTRACE', [true, true, true, false], (c) => {
        ask(c, 'result', PTRACE.SEIZE, e.tid);
      });
      check('TRACEME of a child whose parent has no capability', [true, true, false, false], (c) => {
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
];
