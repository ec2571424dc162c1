import { describe, expect, it } from 'vitest';
import { type Abi, syscallName, syscallNumber, syscallsOf } from '../../lib/kernel/index.js';
import { noHeaders, runC } from './headers.js';

const abis: readonly Abi[] = ['x86_64', 'x32', 'i386', 'aarch64', 'arm'];

describe.each(abis)('%s', (abi) => {
  it('names and numbers go back and forth, no name twice', () => {
    const calls = syscallsOf(abi);
    for (const [number, name] of calls) {
      expect(syscallName(abi, number)).toBe(name);
      expect(syscallNumber(abi, name)).toBe(number);
      expect(name).toMatch(/^[a-z_][a-z0-9_]*$/);
    }
    expect(new Set(calls.map(([, name]) => name)).size).toBe(calls.length);
  });

  it('has the calls of Linux 6.18', () => {
    expect(syscallName(abi, 424)).toBe('pidfd_send_signal');
    expect(syscallName(abi, 462)).toBe('mseal');
    expect(syscallName(abi, 469)).toBe('file_setattr');
    expect(syscallName(abi, 447)).toBe(abi === 'arm' ? undefined : 'memfd_secret');
  });

  it('does not know what is no call', () => {
    expect(syscallName(abi, -1)).toBeUndefined();
    expect(syscallName(abi, 100000)).toBeUndefined();
    expect(syscallNumber(abi, 'no_such_call')).toBeUndefined();
    expect(syscallNumber(abi, '__proto__')).toBeUndefined();
  });
});

describe('well-known numbers', () => {
  it.each<[Abi, Record<string, number>]>([
    [
      'x86_64',
      { read: 0, write: 1, ptrace: 101, execve: 59, restart_syscall: 219, openat: 257, uretprobe: 335, uprobe: 336 },
    ],
    [
      'i386',
      { read: 3, ptrace: 26, execve: 11, restart_syscall: 0, getppid: 64, socketcall: 102, clock_gettime64: 403 },
    ],
    ['aarch64', { read: 63, write: 64, ptrace: 117, execve: 221, restart_syscall: 128, openat: 56, newfstatat: 79 }],
    ['arm', { read: 3, ptrace: 26, execve: 11, socket: 281, openat: 322, seccomp: 383, set_tls: 0xf0005 }],
    ['x32', { read: 0, ptrace: 521, execve: 520, rt_sigaction: 512, pwritev2: 547, openat: 257 }],
  ])('%s', (abi, numbers) => {
    for (const [name, number] of Object.entries(numbers))
      expect([name, syscallNumber(abi, name)]).toEqual([name, number]);
  });

  it('x32 is known with and without its bit, and lacks the numbers that it has of its own', () => {
    expect(syscallName('x32', 520)).toBe('execve');
    expect(syscallName('x32', 0x40000208)).toBe('execve');
    expect(syscallName('x32', 59)).toBeUndefined();
    expect(syscallName('x86_64', 520)).toBeUndefined();
  });
});

describe.skipIf(noHeaders !== undefined || process.arch !== 'x64')("tables against the machine's headers", () => {
  /** What a header defines, name and number; the header may be older or newer than the tables. */
  function headerCalls(include: string, defines: readonly string[] = []): Map<string, number> {
    const names = new Set(abis.flatMap((abi) => syscallsOf(abi).map(([, name]) => name)));
    const lines = runC(
      [
        '#include <stdio.h>',
        '#include <asm/bitsperlong.h>',
        ...defines.map((define) => `#define ${define}`),
        `#include <${include}>`,
        'int main(void) {',
        ...[...names].map((name) => `#ifdef __NR_${name}\nprintf("${name} %ld\\n", (long)__NR_${name});\n#endif`),
        '}',
      ].join('\n'),
    );
    return new Map(
      lines.map((line) => {
        const [name, number] = line.split(' ');
        return [name ?? '', Number(number)];
      }),
    );
  }

  it.each<[Abi, string, readonly string[], number]>([
    ['x86_64', 'asm/unistd_64.h', [], 360],
    ['i386', 'asm/unistd_32.h', [], 430],
    ['x32', 'asm/unistd_x32.h', ['__X32_SYSCALL_BIT 0x40000000'], 350],
    [
      'aarch64',
      'asm-generic/unistd.h',
      [
        '__ARCH_WANT_RENAMEAT',
        '__ARCH_WANT_NEW_STAT',
        '__ARCH_WANT_SET_GET_RLIMIT',
        '__ARCH_WANT_SYS_CLONE3',
        '__ARCH_WANT_MEMFD_SECRET',
      ],
      300,
    ],
  ])('%s', (abi, include, defines, atLeast) => {
    const theirs = headerCalls(include, defines);
    const bit = abi === 'x32' ? 0x40000000 : 0;
    for (const [name, number] of theirs) expect([name, syscallNumber(abi, name)]).toEqual([name, number - bit]);
    expect(theirs.size).toBeGreaterThanOrEqual(atLeast);
  });
});
