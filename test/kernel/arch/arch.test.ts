import { describe, expect, it } from 'vitest';
import {
  NT,
  THUMB2_BREAKPOINT,
  THUMB_BREAKPOINT,
  archFor,
  archOf,
  breakpointFor,
  hostArch,
} from '../../../lib/kernel/index.js';

it('hostArch takes the names of Node and of uname', () => {
  expect(['x64', 'x86_64', 'arm64', 'aarch64', 'ia32', 'riscv64', ''].map(hostArch)).toEqual([
    'x64',
    'x64',
    'arm64',
    'arm64',
    undefined,
    undefined,
    undefined,
  ]);
  expect(archFor('mips')).toBeUndefined();
  expect(archFor('arm64')).toBe(archOf('arm64'));
});

it.each(['x64', 'arm64'] as const)('%s names its ABIs, requests and register sets', (name) => {
  const arch = archOf(name);
  expect(arch.abis).toContain(arch.nativeAbi);
  expect(Object.keys(arch.auditArchs).sort()).toEqual([...arch.abis].sort());
  expect(arch.requests).toMatchObject({ SEIZE: 0x4206, SYSEMU: 31 });
  expect('SINGLEBLOCK' in arch.requests).toBe(name === 'x64');
  expect('PEEKMTETAGS' in arch.requests).toBe(name === 'arm64');
  expect(arch.regsets).toContain(NT.PRSTATUS);
  expect(arch.regsets.includes(NT.ARM_SYSTEM_CALL)).toBe(name === 'arm64');
  expect(arch.syscallNumberRegset).toBe(name === 'arm64' ? NT.ARM_SYSTEM_CALL : undefined);
  const registers = arch.registersFrom(new Uint8Array(name === 'x64' ? 216 : 272));
  expect(registers.abi).toBe(arch.nativeAbi);
});

describe('breakpoints', () => {
  it('are the instructions of the ABI', () => {
    for (const abi of ['x86_64', 'x32', 'i386'] as const) {
      expect(breakpointFor(abi)).toEqual({ bytes: Uint8Array.of(0xcc), pcOffset: 1n });
    }
    const word = (bytes: Uint8Array): number => new DataView(bytes.buffer).getUint32(0, true);
    expect(word(breakpointFor('aarch64').bytes)).toBe(0xd4200000);
    expect(word(breakpointFor('arm').bytes)).toBe(0xe7f001f0);
    expect(breakpointFor('arm').pcOffset).toBe(0n);
    expect(new Uint16Array(THUMB_BREAKPOINT.bytes.buffer)).toEqual(Uint16Array.of(0xde01));
    expect(new Uint16Array(THUMB2_BREAKPOINT.bytes.buffer)).toEqual(Uint16Array.of(0xf7f0, 0xa000));
  });
});
