import { binding } from '../../binding.js';
import { P_PID, W } from '../../kernel/wait-flags.js';
import { procStatus } from '../../proc.js';
import type { KernelLayer } from '../../raw/kernel-layer.js';
import { scaledMillis } from '../../time-scale.js';
import { Adoption } from './adoption.js';
import type { Attachment } from './attachment.js';
import type { Client } from './client.js';
import { eventOf, signalOf } from './stops.js';
import { nap } from '../nap.js';

const PATIENCE_MILLIS = 2000;
const PID = 16;
const CODE = 8;
const STATUS = 24;
const CLD_TRAPPED = 4;
const SYSGOOD = 0x80;

/** Whether a child has a ptrace-stop to report, of which `siginfo` tells then. */
function stands(kernel: KernelLayer, tid: number, siginfo: DataView): boolean {
  const flags = W.WSTOPPED | W.WNOHANG | W.WNOWAIT | W.__WALL;
  const bytes = new Uint8Array(siginfo.buffer);
  return (
    kernel.waitid(P_PID, tid, flags, bytes, null) >= 0 &&
    siginfo.getInt32(PID, true) === tid &&
    siginfo.getInt32(CODE, true) === CLD_TRAPPED
  );
}

/**
 * Takes over a child that said PTRACE_TRACEME, if this is one and it stands: from then on it is a tracee of the client, in the stop that it stood in.
 *
 * @returns undefined when there is nothing to take over now; 'never' when this one cannot be
 */
export function adopt(client: Client, tid: number): Attachment | 'never' | undefined {
  const { host } = client;
  if (host.find(tid) !== undefined) return undefined;
  const { kernel } = host.ground;
  const siginfo = new DataView(new ArrayBuffer(128));
  if (!stands(kernel, tid, siginfo)) return undefined;
  const word = siginfo.getInt32(STATUS, true) << 8;
  // One that SIGKILL has taken out of its stop meanwhile is none that could be taken over.
  const refused = (): 'never' | undefined => (stands(kernel, tid, siginfo) ? 'never' : undefined);
  if (procStatus(tid)?.tracerPid !== binding().gettid()) return refused();
  if (eventOf(word) !== 0 || (signalOf(word) & SYSGOOD) !== 0) return 'never';
  const adoption = Adoption.detach(kernel, tid, signalOf(word));
  if (adoption === undefined) return refused();
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
