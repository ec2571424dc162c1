/** Actions for a thread that runs, and that nothing else would stop: they take effect all the same, as utrace's do. */
import { describe, expect, it } from 'vitest';
import { EVENT, UTRACE } from '../../lib/engine/index.js';
import { SIG } from '../../lib/kernel/signals.js';
import { script } from '../../lib/raw/child.js';
import { attach, child, nothing, session, until } from '../helpers/engines.js';

const { RESUME, SINGLESTEP } = UTRACE;

describe('on a thread that runs', () => {
  it('a step is made soon', async () => {
    const { engines } = session();
    const { pid } = child(script().loop((s) => s.spin(1000)));
    let traps = 0;
    const engine = attach(engines, pid, EVENT.QUIESCE, {
      reportQuiesce: nothing,
      reportSignal: (action, _own, { signal }) => {
        if (signal === SIG.SIGTRAP) traps++;
        return RESUME | (action & 0x70);
      },
    });
    expect(engine.control(SINGLESTEP)).toBe(0);
    await until(() => traps === 1, 'it traps');
  });
});
