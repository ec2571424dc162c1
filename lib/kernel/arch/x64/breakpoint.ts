import type { Breakpoint } from '../breakpoint.js';

/**
 * int3. The trap comes after the instruction: the program counter is one beyond the breakpoint and has to be set back.
 */
export const X86_BREAKPOINT: Breakpoint = { bytes: Uint8Array.of(0xcc), pcOffset: 1n };
