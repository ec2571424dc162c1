import { A32_BREAKPOINT, A64_BREAKPOINT } from './arch/arm64/breakpoint.js';
import type { Breakpoint } from './arch/breakpoint.js';
import type { Abi } from './arch/host.js';
import { X86_BREAKPOINT } from './arch/x64/breakpoint.js';

const breakpoints: Readonly<Record<Abi, Breakpoint>> = {
  x86_64: X86_BREAKPOINT,
  x32: X86_BREAKPOINT,
  i386: X86_BREAKPOINT,
  aarch64: A64_BREAKPOINT,
  arm: A32_BREAKPOINT,
};

/** The breakpoint instruction for code of an ABI. Thumb code of `arm` wants THUMB_BREAKPOINT instead. */
export function breakpointFor(abi: Abi): Breakpoint {
  return breakpoints[abi];
}
