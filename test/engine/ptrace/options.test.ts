/** Options that the kernel itself has to know: it has to do what any client wants, and nothing that none wants any more. */
import { describe, expect, it } from 'vitest';
import { PTRACE_O } from '../../../lib/kernel/options.js';
import { PTRACE } from '../../../lib/kernel/requests.js';
import { kernelLayer } from '../../../lib/raw/kernel-layer.js';
import { clients } from './clients.js';

const { EXITKILL, TRACEFORK, TRACEEXIT } = PTRACE_O;

/** Clients, and whether the kernel has been told EXITKILL for a thread. */
function watched() {
  const told = new Map<number, number>();
  const kernel = kernelLayer();
  const all = clients({
    kernel: {
      ...kernel,
      ptrace: (request, tid, addr, data) => {
        const result = kernel.ptrace(request, tid, addr, data);
        if (request === PTRACE.SETOPTIONS && result >= 0) told.set(tid, Number(data));
        return result;
      },
    },
  });
  return { ...all, kills: (tid: number): boolean => ((told.get(tid) ?? 0) & EXITKILL) !== 0, told };
}

describe('PTRACE_O_EXITKILL of one client', () => {
  it('outlives that another takes its own back, and goes when its client detaches', () => {
    const { stage, on, kills } = watched();
    const e = stage.pauser();
    stage.unrecorded(() => {
      on('A', () => e.seize(EXITKILL));
      expect(kills(e.tid)).toBe(true);
      on('B', () => {
        e.seize(EXITKILL);
        e.interrupt();
        e.wait();
        e.setOptions(TRACEEXIT);
      });
      expect(kills(e.tid)).toBe(true);
      on('A', () => {
        e.interrupt();
        e.wait();
        e.detach();
      });
      on('B', () => {
        e.cont();
        e.untilAsleep();
      });
      expect(kills(e.tid)).toBe(false);
    });
  });

  it('is not inherited by a child that only another follows', () => {
    const { stage, on, kills, told } = watched();
    const e = stage.child('E', (c) =>
      c
        .waitUntil('go', '!=', 0)
        .fork((f) => f.loop((s) => s.pause()))
        .loop((s) => s.pause()),
    );
    stage.unrecorded(() => {
      on('A', () => e.seize(EXITKILL));
      on('B', () => e.seize(TRACEFORK));
      e.setWord('go', 1n);
      on('B', () => {
        e.wait();
        const f = e.newTask('F');
        f.wait();
        f.cont();
        e.cont();
        f.untilAsleep();
        expect(told.has(f.tid)).toBe(true);
        expect(kills(f.tid)).toBe(false);
        expect(kills(e.tid)).toBe(true);
      });
    });
  });
});
