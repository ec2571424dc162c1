/** Actions for a thread that runs, and that nothing else would stop: they take effect all the same, as utrace's do. */
import { describe, expect, it } from 'vitest';
import { EVENT, UTRACE } from '../../lib/engine/index.js';
import { SIG } from '../../lib/kernel/signals.js';
import { script } from '../../lib/raw/child.js';
import { attach, child, nothing, send, session, until } from '../helpers/engines.js';
import { readWord } from '../helpers/tracing.js';

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

  it('a step that is asked for while a handled signal is decided about is made soon', async () => {
    const { engines } = session();
    const started = child(
      script()
        .handle('SIGUSR1', (s) => s.spin())
        .store('ready', 1)
        .loop((s) => s.spin(1000)),
    );
    const { pid } = started;
    await until(() => readWord(started, 'ready') === 1n, 'its handler is there');
    let traps = 0;
    attach(engines, pid, EVENT.QUIESCE, {
      reportQuiesce: nothing,
      reportSignal: (action, own, { signal }) => {
        if (signal === SIG.SIGTRAP) traps++;
        if (signal === SIG.SIGUSR1) own.control(SINGLESTEP);
        return RESUME | (action & 0x70);
      },
    });
    send(pid, SIG.SIGUSR1);
    await until(() => traps === 1, 'it traps');
  });
});
