/** Machine code for tracees on arm64, and children in front of it. */
import { A64_BREAKPOINT } from '../../../../lib/kernel/arch/arm64/breakpoint.js';
import { type ChildScript } from '../../../../lib/raw/child.js';
import { type ResumeMode, type Stop, type Tracee } from '../../../../lib/tracer/index.js';
import { expectKind, within } from '../../../helpers/tracing.js';
import { held, nr, type HeldPart } from '../../programs.js';

export const ARM64 = process.arch === 'arm64';

/** A64 instructions. Source: Arm ARM, C6.2. */
export const A64 = {
  nop: 0xd503201f,
  svc: 0xd4000001,
  brk: 0xd4200000,
  /** Over the next instruction. */
  skipOne: 0x14000002,
  /** A jump to itself. */
  forever: 0x14000000,
  /** str x1, [x0] */
  store: 0xf9000001,
  /** strb w1, [x0] */
  storeByte: 0x39000001,
  /** ldr x2, [x0] */
  load: 0xf9400002,
  /** mov x8, #number: the system call of this name. */
  call: (name: string): number => 0xd2800008 | (nr(name) << 5),
} as const;

/** Instructions as they are in memory. */
export function bytesOf(code: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * code.length));
  for (const [index, instruction] of code.entries()) view.setUint32(4 * index, instruction, true);
  return new Uint8Array(view.buffer);
}

/** A child in front of machine code of ours, which its script then runs as a function. */
export async function atCode(
  code: readonly number[],
  after: (s: ChildScript) => unknown = (s) => s.loop((t) => t.pause()),
): Promise<HeldPart> {
  const part = await held((s) => {
    s.nops();
    after(s);
  });
  const { tracee, started } = part;
  tracee.memory.write(started.nops, A64_BREAKPOINT.bytes);
  await breakpoint(part.go());
  tracee.memory.write(started.nops, bytesOf(code));
  return part;
}

export async function breakpoint(next: PromiseLike<Stop>): Promise<Extract<Stop, { kind: 'breakpoint' }>> {
  return expectKind(await within(next, 'the breakpoint'), 'breakpoint');
}

export async function step(tracee: Tracee, mode: ResumeMode = 'step'): Promise<Extract<Stop, { kind: 'step' }>> {
  return expectKind(await within(tracee.resume(mode), 'the step'), 'step');
}
