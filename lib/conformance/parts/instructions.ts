/** How long the instructions of a machine are that a tracer goes back or on by. */
import type { HostArch } from '../../kernel/arch/host.js';
import type { Actor } from '../actor.js';

const CALL_BYTES: Readonly<Record<HostArch, bigint>> = { x64: 2n, arm64: 4n };
const NOP_BYTES: Readonly<Record<HostArch, bigint>> = { x64: 1n, arm64: 4n };

/** The instruction of a system call. */
export const callBytes = (e: Actor): bigint => CALL_BYTES[e.stage.arch.name];

/** An instruction that does nothing, of `ChildScript.nops`. */
export const nopBytes = (e: Actor): bigint => NOP_BYTES[e.stage.arch.name];
