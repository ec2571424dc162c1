import { binding } from '../../binding.js';
import { P_PID, W } from '../../kernel/wait-flags.js';
import { procStatus } from '../../proc.js';
import { scaledMillis } from '../../time-scale.js';
import { Adoption } from './adoption.js';
import type { Attachment } from './attachment.js';
import type { Client } from './client.js';
import { eventOf, signalOf } from './stops.js';
import { nap } from './virtual-ptrace.js';

const PATIENCE_MILLIS = 2000;
const CLD_TRAPPED = 4;
const SYSGOOD = 0x80;

/**
 * Takes over a child that said PTRACE_TRACEME, if this is one and it stands: from then on it is a tracee of the client, in the stop that it stood in.
 *
 * @returns undefined when there is nothing to take over now; 'never' when this one cannot be
 */
export function adopt(client: Client, tid: number): Attachment | 'never' | undefined {
  const { host } = client;
  if (host.find(tid) !== undefined) return undefined;
  const { kernel } = host.ground;
  const siginfo = new Uint8Array(128);
  const view = new DataView(siginfo.buffer);
  const flags = W.WSTOPPED | W.WNOHANG | W.WNOWAIT | W.__WALL;
  if (kernel.waitid(P_PID, tid, flags, siginfo, null) < 0 || view.getInt32(16, true) !== tid) return undefined;
  if (view.getInt32(8, true) !== CLD_TRAPPED) return undefined;
  if (procStatus(tid)?.tracerPid !== binding().gettid()) return 'never';
  const word = view.getInt32(24, true) << 8;
  if (eventOf(word) !== 0 || (signalOf(word) & SYSGOOD) !== 0) return 'never';
  const adoption = Adoption.detach(kernel, tid, signalOf(word));
  if (adoption === undefined) return 'never';
  const attachment = host.attachTo(client, tid, { seized: false, options: 0 });
  if (typeof attachment === 'number') return 'never';
  attachment.adoption = adoption;
  const begin = performance.now();
  while (attachment.stop === undefined && performance.now() - begin < scaledMillis(PATIENCE_MILLIS)) {
    host.pump();
    nap(0.05);
  }
  return attachment;
}
