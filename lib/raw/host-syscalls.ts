/** System call numbers of the machine this process runs on. */
import type { Abi } from '../kernel/arch/host.js';
import { syscallNumber } from '../kernel/syscalls.js';

const HOST_ABI: Abi = process.arch === 'arm64' ? 'aarch64' : 'x86_64';

/** The number of a system call for this process, or undefined where this machine has none of that name (arm64: `pause`, `fork`, `open`). */
export function hostSyscallNumber(name: string): number | undefined {
  return syscallNumber(HOST_ABI, name);
}
