import { AARCH64_SYSCALLS, ARM_SYSCALLS } from './arch/arm64/syscalls.js';
import type { Abi } from './arch/host.js';
import { I386_SYSCALLS, X32_SYSCALLS, X86_64_SYSCALLS } from './arch/x64/syscalls.js';
import { X32_SYSCALL_BIT } from './audit-arch.js';

/** Names by number and numbers by name. */
interface Table {
  readonly names: ReadonlyMap<number, string>;
  readonly numbers: ReadonlyMap<string, number>;
}

function x32Syscalls(): Readonly<Record<number, string>> {
  const own = new Set(Object.values(X32_SYSCALLS));
  const shared = Object.entries(X86_64_SYSCALLS).filter(([, name]) => !own.has(name));
  return { ...Object.fromEntries(shared), ...X32_SYSCALLS };
}

const sources: Readonly<Record<Abi, () => Readonly<Record<number, string>>>> = {
  x86_64: () => X86_64_SYSCALLS,
  x32: x32Syscalls,
  i386: () => I386_SYSCALLS,
  aarch64: () => AARCH64_SYSCALLS,
  arm: () => ARM_SYSCALLS,
};

// Made when first asked for: a program asks for one or two of the five.
const tables = new Map<Abi, Table>();

function tableOf(abi: Abi): Table {
  let table = tables.get(abi);
  if (table === undefined) {
    const entries = Object.entries(sources[abi]()).map(([number, name]) => [Number(number), name] as const);
    table = { names: new Map(entries), numbers: new Map(entries.map(([number, name]) => [name, number])) };
    tables.set(abi, table);
  }
  return table;
}

/**
 * The name of a system call, such as `openat`, or undefined where the number has none in the tables (Linux 6.18).
 *
 * @param abi the ABI of the call, see {@link abiOfAuditArch}
 * @param number the system call number; for x32 with or without the x32 bit
 */
export function syscallName(abi: Abi, number: number): string | undefined {
  return tableOf(abi).names.get(abi === 'x32' && number >= 0 ? number & ~X32_SYSCALL_BIT : number);
}

/**
 * The number of a system call, or undefined where the ABI has none of that name. For x32 it is without the x32 bit.
 */
export function syscallNumber(abi: Abi, name: string): number | undefined {
  return tableOf(abi).numbers.get(name);
}

/** Every system call of an ABI, number and name, in rising order. */
export function syscallsOf(abi: Abi): readonly (readonly [number: number, name: string])[] {
  return [...tableOf(abi).names].sort(([a], [b]) => a - b);
}
