import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SIG } from '../../lib/kernel/signals.js';
import { W } from '../../lib/kernel/wait-flags.js';
import { script } from '../../lib/raw/child.js';
import { listen, type Listener } from '../../lib/raw/doorbell.js';
import { cont, interrupt, wait4 } from '../../lib/raw/index.js';
import { type KernelLayer, kernelLayer, useKernelLayer, withKernelLayer } from '../../lib/raw/kernel-layer.js';
import { limit } from '../helpers/scale.js';
import { child, EVENT_STOP, expectReason, next, reaped, running, stopWord } from './tracee.js';

async function eventually(what: string, check: () => boolean): Promise<void> {
  const end = Date.now() + limit(5000);
  while (!check()) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await delay(1);
  }
}

/** A layer that writes down what is asked of its bell, and rings when told to. */
function recorder(): { layer: KernelLayer; calls: string[]; ring: () => void } {
  const calls: string[] = [];
  let ring: () => void = () => undefined;
  const layer: KernelLayer = {
    ...kernelLayer(),
    bellOpen: (callback) => {
      calls.push('open');
      ring = callback;
      return 0;
    },
    bellArm: () => void calls.push('arm'),
    bellDisarm: () => void calls.push('disarm'),
    bellReference: (on) => void calls.push(on ? 'reference' : 'unreference'),
    bellClose: () => void calls.push('close'),
  };
  return {
    layer,
    calls,
    ring: () => {
      ring();
    },
  };
}

describe('the doorbell', () => {
  it('rings for stops while armed', async () => {
    const pid = running();
    let rings = 0;
    const listener = listen(() => rings++);
    listener.arm();
    expect(wait4(pid, W.WNOHANG | W.__WALL)).toBeNull();
    interrupt(pid);
    await eventually('it rings', () => rings > 0);
    expect(next(pid)).toBe(EVENT_STOP);
    listener.close();
  });

  it('rings for deaths, armed or not', async () => {
    let rings = 0;
    const listener = listen(() => rings++);
    const { pid } = child(script().exitGroup(0));
    await eventually('it rings', () => rings > 0);
    expect(next(pid)).toBe(0);
    listener.close();
  });

  it('does not ring for stops while nobody is armed', async () => {
    const pid = running();
    let rings = 0;
    const listener = listen(() => rings++);
    interrupt(pid);
    expect(next(pid)).toBe(EVENT_STOP);
    // Had it rung, it would ring before what is queued now has had its turn twice.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(rings).toBe(0);
    // Armed, it does; that the disarmed state was the reason shows here.
    listener.arm();
    cont(pid);
    interrupt(pid);
    await eventually('it rings', () => rings > 0);
    expect(next(pid)).toBe(EVENT_STOP);
    listener.close();
  });

  it('leaves Node to reap its own children', async () => {
    const listener = listen(() => undefined);
    listener.arm();
    const node = spawn('/bin/sh', ['-c', 'exit 5']);
    expect(await once(node, 'exit')).toEqual([5, null]);
    listener.close();
    const again = spawn('/bin/sh', ['-c', 'exit 6']);
    expect(await once(again, 'exit')).toEqual([6, null]);
  });

  it('is there again after it was closed', async () => {
    for (let round = 0; round < 20; round++) {
      let rings = 0;
      const listener = listen(() => rings++);
      listener.arm();
      const { pid } = child(script().exitGroup(0));
      await eventually('it rings', () => rings > 0);
      listener.close();
      expect(next(pid)).toBe(0);
    }
  });
});

describe('listeners', () => {
  it('share one bell: opened by the first, closed by the last', () => {
    const { layer, calls } = recorder();
    withKernelLayer(layer, () => {
      const first = listen(() => undefined);
      const second = listen(() => undefined);
      expect(calls).toEqual(['open']);
      first.arm();
      first.arm();
      second.arm();
      expect(calls).toEqual(['open', 'arm']);
      first.reference(true);
      second.reference(true);
      second.reference(true);
      first.disarm();
      first.disarm();
      expect(calls).toEqual(['open', 'arm', 'reference']);
      second.close();
      second.close();
      expect(calls).toEqual(['open', 'arm', 'reference', 'disarm']);
      first.close();
      expect(calls).toEqual(['open', 'arm', 'reference', 'disarm', 'unreference', 'close']);
      // Closed ones do nothing any more.
      first.arm();
      first.reference(true);
      expect(calls.length).toBe(6);
      expect([first.armed, first.closed]).toEqual([false, true]);
      const third = listen(() => undefined);
      third.close();
      expect(calls.slice(6)).toEqual(['open', 'close']);
    });
  });

  it('are all rung, also when one throws; the exception is an uncaught one', async () => {
    const { layer, ring } = recorder();
    const heard: string[] = [];
    const listeners = withKernelLayer(layer, () => [
      listen(() => heard.push('first')),
      listen(() => {
        throw new Error('second');
      }),
      listen(() => heard.push('third')),
    ]);
    const before = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const uncaught = once(process, 'uncaughtException') as Promise<[Error]>;
    ring();
    expect(heard).toEqual(['first', 'third']);
    const [error] = await uncaught;
    expect(error.message).toBe('second');
    for (const listener of before) process.on('uncaughtException', listener);
    for (const listener of listeners) listener.close();
  });

  it('may come and go during a ring', () => {
    const { layer, ring } = recorder();
    withKernelLayer(layer, () => {
      const heard: string[] = [];
      const made: Listener[] = [];
      const second = listen(() => {
        heard.push('closer');
        third.close();
        made.push(listen(() => heard.push('new')));
      });
      const third = listen(() => heard.push('closed'));
      ring();
      expect(heard).toEqual(['closer']);
      for (const listener of [second, ...made]) listener.close();
    });
  });

  it('hear an error of libuv as a PtraceError', () => {
    const { layer } = recorder();
    const error = withKernelLayer({ ...layer, bellOpen: () => -22 }, () =>
      expectReason(() => listen(() => undefined), 'kernel', 'EINVAL'),
    );
    expect(error.request).toBe('doorbell');
  });
});

describe('the kernel layer', () => {
  it('is the addon unless another is put in its place', () => {
    const addon = kernelLayer();
    const { layer } = recorder();
    expect(useKernelLayer(layer)).toBe(addon);
    expect(kernelLayer()).toBe(layer);
    expect(useKernelLayer(undefined)).toBe(layer);
    expect(kernelLayer()).toBe(addon);
  });

  it('comes back after a body that returns, throws, or takes its time', async () => {
    const addon = kernelLayer();
    const { layer } = recorder();
    expect(withKernelLayer(layer, () => kernelLayer())).toBe(layer);
    expect(kernelLayer()).toBe(addon);
    expect(() =>
      withKernelLayer(layer, () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(kernelLayer()).toBe(addon);
    const slow = withKernelLayer(layer, async () => {
      await delay(1);
      return kernelLayer();
    });
    expect(kernelLayer()).toBe(layer);
    expect(await slow).toBe(layer);
    expect(kernelLayer()).toBe(addon);
  });

  it('is what every request and wait goes through', () => {
    const seen: string[] = [];
    const lying: KernelLayer = {
      ...kernelLayer(),
      ptrace: (request, tid) => {
        seen.push(`ptrace ${request} ${tid}`);
        return 0;
      },
      wait4: (pid, _options, status) => {
        status[0] = stopWord(SIG.SIGTRAP);
        return pid;
      },
    };
    withKernelLayer(lying, () => {
      cont(12345);
      expect(wait4(12345)).toMatchObject({ pid: 12345, decoded: { kind: 'stopped', signal: SIG.SIGTRAP } });
    });
    expect(seen).toEqual(['ptrace 7 12345']);
    const { pid } = child(script().exitGroup(0));
    expect(next(pid)).toBe(0);
    reaped(pid);
  });
});
