/** What tests of several clients need: a stage of processes, on which each step is one client's. */
import { afterEach, expect } from 'vitest';
import { Stage } from '../../../lib/conformance/stage.js';
import { type Client, VirtualPtrace, type VirtualPtraceOptions } from '../../../lib/engine/index.js';
import { withKernelLayer } from '../../../lib/raw/kernel-layer.js';

const open: { readonly stage: Stage; readonly virtual: VirtualPtrace; readonly faults: string[] }[] = [];

afterEach(() => {
  for (const { stage, virtual, faults } of open.splice(0)) {
    const left = stage.close();
    virtual.abandon();
    expect(left).toEqual([]);
    expect(faults).toEqual([]);
  }
});

export interface Clients {
  readonly stage: Stage;
  readonly virtual: VirtualPtrace;
  /** Runs `body` as the client of this name, which is made when it is named first. */
  readonly on: <T>(name: string, body: () => T) => T;
  readonly client: (name: string) => Client;
  /** What the stage has written down since this was asked last. */
  readonly lines: () => string[];
}

export function clients(options: VirtualPtraceOptions = {}): Clients {
  const faults: string[] = [];
  const virtual = new VirtualPtrace({
    ...options,
    onFault: ({ callback, error }) => faults.push(`${callback}: ${String(error)}`),
  });
  const stage = new Stage();
  open.push({ stage, virtual, faults });
  const named = new Map<string, Client>();
  const client = (name: string): Client => {
    let found = named.get(name);
    if (found === undefined) {
      found = virtual.client();
      named.set(name, found);
    }
    return found;
  };
  return {
    stage,
    virtual,
    client,
    on: (name, body) =>
      withKernelLayer(client(name), () => {
        const before = stage.lines.length;
        const result = body();
        for (let index = before; index < stage.lines.length; index++) {
          stage.lines[index] = `${name}: ${stage.lines[index] ?? ''}`;
        }
        return result;
      }),
    lines: () => stage.lines.splice(0),
  };
}
