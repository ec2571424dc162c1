import { expect, it } from 'vitest';
import { AUDIT_ARCH, abiOfAuditArch, auditArchName } from '../../lib/kernel/index.js';

it('abiOfAuditArch tells the ABI of a call, x32 by its bit', () => {
  expect(abiOfAuditArch(0xc000003e, 0)).toBe('x86_64');
  expect(abiOfAuditArch(0xc000003e, 0x40000000)).toBe('x32');
  expect(abiOfAuditArch(0xc000003e, 0x40000208)).toBe('x32');
  expect(abiOfAuditArch(0xc000003e, -1)).toBe('x86_64');
  expect(abiOfAuditArch(0x40000003, 4)).toBe('i386');
  expect(abiOfAuditArch(0xc00000b7, 64)).toBe('aarch64');
  expect(abiOfAuditArch(0x40000028, 4)).toBe('arm');
  expect(abiOfAuditArch(AUDIT_ARCH.RISCV64, 4)).toBe('unknown');
  expect(abiOfAuditArch(0xc000003e | 0, 0)).toBe('x86_64');
});

it('auditArchName names the known and shows the unknown', () => {
  expect(auditArchName(0xc000003e)).toBe('AUDIT_ARCH_X86_64');
  expect(auditArchName(0xc000003e | 0)).toBe('AUDIT_ARCH_X86_64');
  expect(auditArchName(7)).toBe('AUDIT_ARCH_0x7');
});
