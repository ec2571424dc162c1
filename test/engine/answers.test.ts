/** Answers and effects of calls at the edges of a stop: before it ends, inside a pass, after one has let go. */
import { describe, expect, it } from 'vitest';
import { ATTACH, EVENT, UTRACE } from '../../lib/engine/index.js';
import type { ExamineResult } from '../../lib/engine/index.js';
import { SIG } from '../../lib/kernel/signals.js';
import { attach, child, Deferred, hold, nothing, pauser, session, stormer, until, within } from '../helpers/engines.js';
import { stateOf } from '../helpers/tracing.js';

const { STOP, REPORT, SINGLESTEP, RESUME, DETACH } = UTRACE;

describe('events of a thread that stands', () => {
  it('with QUIESCE among them there is a report when it goes on', async () => {
    const { engines } = session();
    const { pid } = child(pauser());
    const seen: number[] = [];
    const engine = engines.attach(pid, ATTACH.CREATE, {
      reportQuiesce: (_action, _own, event) => {
        seen.push(event);
      },
    });
    const holder = await hold(engines, pid);
    expect(seen).toEqual([]);
    expect(engine.setEvents(EVENT.QUIESCE)).toBe(0);
    expect(holder.control(DETACH)).toBe(0);
    await until(() => stateOf(pid) === 'S', 'it goes on');
    expect(seen).toEqual([0]);
  });
});

describe('an examination', () => {
  it('answers EINVAL at its end when its engine has let go, though another holds the thread', async () => {
    const { engines } = session();
    const { pid } = child(pauser());
    const engine = await hold(engines, pid);
    expect(attach(engines, pid, 0, {}).control(STOP)).toBe(0);
    const begun = engine.prepareExamine();
    if (typeof begun === 'string') throw new Error(begun);
    expect(engine.control(RESUME)).toBe(0);
    expect(engine.finishExamine(begun)).toBe('EINVAL');
  });

  it('is granted inside a callback', async () => {
    const { engines } = session();
    const { pid } = child(stormer());
    const done = new Deferred<ExamineResult>();
    const engine = attach(engines, pid, EVENT.QUIESCE, {
      reportQuiesce: (_action, own) => {
        const begun = own.prepareExamine();
        if (typeof begun === 'string') done.resolve(begun);
        else {
          expect(own.thread.registers.pc).toBeGreaterThan(0n);
          done.resolve(own.finishExamine(begun));
        }
        return nothing();
      },
    });
    engine.control(REPORT);
    expect(await within(done.promise, 'it reports')).toBe(0);
  });
});

describe('a step that is asked for inside a pass', () => {
  it('is made when the pass is over, at once', async () => {
    const { engines } = session();
    const { pid } = child(stormer());
    const pcs: bigint[] = [];
    let asked = false;
    const done = new Deferred();
    const stepper = attach(engines, pid, EVENT.QUIESCE, {
      reportQuiesce: nothing,
      reportSignal: (action, own, { signal }) => {
        pcs.push(own.thread.registers.pc);
        if (signal === SIG.SIGTRAP) done.resolve();
        return RESUME | (action & 0x70);
      },
    });
    const asker = attach(engines, pid, EVENT.QUIESCE, {
      reportQuiesce: () => {
        if (!asked) expect(stepper.control(SINGLESTEP)).toBe(0);
        asked = true;
        return RESUME;
      },
    });
    asker.control(REPORT);
    await within(done.promise, 'it traps');
    expect(pcs).toHaveLength(2);
  });
});
