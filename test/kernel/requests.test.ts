import { describe, expect, it } from 'vitest';
import { PTRACE, PTRACE_ARM64, PTRACE_X64, STRUCT_SIZE, requestName } from '../../lib/kernel/index.js';
import { cValues, noHeaders } from './headers.js';

describe('requestName', () => {
  it('names every generic request whatever the architecture', () => {
    for (const [name, number] of Object.entries(PTRACE)) {
      for (const arch of [undefined, 'x64', 'arm64'] as const) expect(requestName(number, arch)).toBe(`PTRACE_${name}`);
    }
  });

  it('names the requests of an architecture', () => {
    for (const [name, number] of Object.entries(PTRACE_X64)) expect(requestName(number, 'x64')).toBe(`PTRACE_${name}`);
    for (const [name, number] of Object.entries(PTRACE_ARM64)) {
      expect(requestName(number, 'arm64')).toBe(`PTRACE_${name}`);
    }
  });

  it('does not guess the architecture of 33, which two name differently', () => {
    expect(requestName(33, 'x64')).toBe('PTRACE_SINGLEBLOCK');
    expect(requestName(33, 'arm64')).toBe('PTRACE_PEEKMTETAGS');
    expect(requestName(33)).toBe('PTRACE_0x21');
    expect(requestName(31)).toBe('PTRACE_SYSEMU');
    expect(requestName(12)).toBe('PTRACE_GETREGS');
    expect(requestName(12, 'arm64')).toBe('PTRACE_0xc');
    expect(requestName(34)).toBe('PTRACE_POKEMTETAGS');
  });

  it('shows an unknown number', () => {
    expect(requestName(0x4fff)).toBe('PTRACE_0x4fff');
    expect(requestName(-1)).toBe('PTRACE_0xffffffff');
  });
});

describe.skipIf(noHeaders !== undefined)('STRUCT_SIZE', () => {
  it("equals the machine's headers", () => {
    const sizes = cValues(['asm/siginfo.h', 'linux/filter.h', 'linux/seccomp.h', 'linux/ptrace.h'], {
      SIGINFO: 'sizeof(struct siginfo)',
      SYSCALL_INFO: 'sizeof(struct ptrace_syscall_info)',
      PEEKSIGINFO_ARGS: 'sizeof(struct ptrace_peeksiginfo_args)',
      SECCOMP_METADATA: 'sizeof(struct seccomp_metadata)',
      RSEQ_CONFIGURATION: 'sizeof(struct ptrace_rseq_configuration)',
      SOCK_FILTER: 'sizeof(struct sock_filter)',
    });
    for (const [name, size] of sizes)
      expect([name, STRUCT_SIZE[name as keyof typeof STRUCT_SIZE]]).toEqual([name, Number(size)]);
    expect(sizes.size).toBe(6);
  });
});
