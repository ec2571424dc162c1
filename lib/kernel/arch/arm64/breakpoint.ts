import type { Breakpoint } from '../breakpoint.js';

/*
 * On arm the program counter stays at the breakpoint. AArch32 has no usable bkpt: these are the undefined instructions
 * that the kernel takes for breakpoints (arch/arm64/kernel/debug-monitors.c).
 */

/** A64: brk #0 (0xd4200000). */
export const A64_BREAKPOINT: Breakpoint = { bytes: Uint8Array.of(0x00, 0x00, 0x20, 0xd4), pcOffset: 0n };

/** A32: 0xe7f001f0. */
export const A32_BREAKPOINT: Breakpoint = { bytes: Uint8Array.of(0xf0, 0x01, 0xf0, 0xe7), pcOffset: 0n };

/** T32, 16 bits: 0xde01. */
export const THUMB_BREAKPOINT: Breakpoint = { bytes: Uint8Array.of(0x01, 0xde), pcOffset: 0n };

/** T32, 32 bits: 0xf7f0 0xa000. */
export const THUMB2_BREAKPOINT: Breakpoint = { bytes: Uint8Array.of(0xf0, 0xf7, 0x00, 0xa0), pcOffset: 0n };
