/** Kernels and machines that are none: what a matrix does with them is written down. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { manifest } from '../../lib/conformance/report/manifest.js';
import type { Report } from '../../lib/conformance/report/report.js';
import type { GuestArch } from '../../lib/vm/guest-arch.js';
import type { GuestEnd, GuestOrder, MatrixEvent, MatrixKernel, MatrixOptions, Means } from '../../lib/vm/matrix.js';
import { report } from '../conformance/fixtures.js';

export const kernels: readonly MatrixKernel[] = [
  { id: '5.10-x64', arch: 'x64' },
  { id: '6.1-x64', arch: 'x64' },
  { id: '6.12-arm64', arch: 'arm64' },
  { id: '7.3-x64', arch: 'x64' },
];

/** A report of this version of the package. */
export const reportFor = (arch: GuestArch = 'x64'): Report => ({ ...report(), arch, package: manifest() });

export const end: GuestEnd = { code: 0, stderr: '', seconds: { boot: 2, total: 30 }, tries: 1 };

/** What a machine does in place of playing the suite and leaving a whole report. */
export type Act = (order: GuestOrder, leave: (text: string) => void) => Promise<GuestEnd> | GuestEnd;

export class FakeMeans implements Means {
  /** The kernels whose machines ran, in the order in which they began. */
  readonly ran: string[] = [];
  readonly orders: GuestOrder[] = [];
  readonly versions = new Map<string, string>();
  readonly acts = new Map<string, Act>();
  readonly unfetchable = new Map<string, Error>();
  atOnce = 0;
  mostAtOnce = 0;

  readonly fetch: Means['fetch'] = (id) => {
    const error = this.unfetchable.get(id);
    if (error !== undefined) return Promise.reject(error);
    return Promise.resolve({ version: this.versions.get(id) ?? '1', file: `/kernels/${id}` });
  };

  readonly run: Means['run'] = async (order) => {
    const id = order.kernel.replace('/kernels/', '');
    this.ran.push(id);
    this.orders.push(order);
    this.atOnce++;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce);
    try {
      // Others get their turn.
      await setTimeout(1);
      const leave = (text: string): void => {
        mkdirSync(dirname(join(order.out, 'report.json')), { recursive: true });
        writeFileSync(join(order.out, 'report.json'), text);
      };
      const act = this.acts.get(id);
      if (act !== undefined) return await act(order, leave);
      leave(JSON.stringify(reportFor(order.arch)));
      return end;
    } finally {
      this.atOnce--;
    }
  };
}

/** Options for a folder. */
export function options(out: string, changes: Partial<MatrixOptions> = {}): MatrixOptions {
  return { kernels, set: 'scenarios', out, jobs: 2, signal: new AbortController().signal, ...changes };
}

/** Events as words, for comparison. */
export function eventWords(event: MatrixEvent): string {
  switch (event.phase) {
    case 'fetch':
      return `${event.id} fetch`;
    case 'boot':
      return `${event.id} boot ${event.version}`;
    case 'play':
      return `${event.id} ${event.done} of ${event.of}`;
    case 'end':
      return `${event.id} ${event.outcome.state}`;
  }
}
