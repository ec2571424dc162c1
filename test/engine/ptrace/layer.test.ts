/** A client as the kernel layer of everything above: blocking waits, and the asynchronous tracer. */
import { describe, expect, it } from 'vitest';
import { VirtualPtrace } from '../../../lib/engine/index.js';
import { P_ALL, P_PGID, P_PID, P_PIDFD, W } from '../../../lib/kernel/wait-flags.js';
import { binding } from '../../../lib/binding.js';
import { withKernelLayer } from '../../../lib/raw/kernel-layer.js';
import * as raw from '../../../lib/raw/index.js';
import { Tracer } from '../../../lib/tracer/index.js';
import { clients } from './clients.js';

describe('waits of a client', () => {
  it('block until the engines have something for it', () => {
    const { stage, on } = clients();
    const e = stage.pauser();
    on('A', () => {
      raw.seize(e.tid);
      raw.interrupt(e.tid);
      expect(raw.wait4(e.tid, W.__WALL)?.decoded).toEqual({ kind: 'event', event: 128, signal: 5 });
      raw.cont(e.tid);
      raw.kill(e.tid, 9);
      expect(raw.waitid(P_ALL, 0, W.WEXITED)?.decoded).toEqual({ kind: 'killed', signal: 9, coreDumped: false });
      expect(() => raw.wait4(e.tid, 0)).toThrow('ECHILD');
      stage.ended(e.tid);
    });
  });

  it('go by group and by pidfd, and look without consuming', () => {
    const { stage, on } = clients();
    const e = stage.pauser();
    const pidfd = binding().pidfdOpen(e.tid, 0);
    on('A', () => {
      raw.seize(e.tid);
      raw.interrupt(e.tid);
      const flags = W.WSTOPPED | W.WNOWAIT;
      for (const [idtype, id] of [
        [P_PID, e.tid],
        [P_PGID, e.tid],
        [P_PIDFD, pidfd],
        [P_ALL, 0],
      ] as const) {
        expect(raw.waitid(idtype, id, flags)?.pid).toBe(e.tid);
      }
      expect(raw.wait4(-e.tid, W.__WALL)?.pid).toBe(e.tid);
      expect(raw.wait4(-e.tid, W.__WALL | W.WNOHANG)).toBeNull();
    });
    binding().closeFd(pidfd);
  });

  it('pass on what is not traced: the end of a child', () => {
    const { stage, on } = clients();
    const traced = stage.pauser();
    const other = stage.child('F', (c) => c.exitGroup(6));
    on('A', () => {
      raw.seize(traced.tid);
      expect(raw.wait4(other.tid, 0)?.decoded).toEqual({ kind: 'exited', code: 6 });
      stage.ended(other.tid);
    });
  });
});

describe('the tracer on a client', () => {
  it('follows a program from its exec to its end', async () => {
    const virtual = new VirtualPtrace();
    const seen: string[] = [];
    await withKernelLayer(virtual.client(), async () => {
      const tracer = new Tracer();
      try {
        const tracee = await tracer.spawn('/bin/sh', ['-c', 'exit 3']);
        let stop = await tracee.resume('syscall');
        while (stop.kind !== 'exited' && stop.kind !== 'killed') {
          seen.push(stop.kind);
          stop = await tracee.resume('syscall');
        }
        seen.push(`${stop.kind} ${stop.kind === 'exited' ? stop.code : stop.signal}`);
      } finally {
        await tracer.close();
      }
    });
    virtual.abandon();
    expect(seen).toContain('syscall-entry');
    expect(seen.at(-1)).toBe('exited 3');
  });
});
