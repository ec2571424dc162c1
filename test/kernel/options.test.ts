import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PTRACE_O, PTRACE_O_MASK, eventName, optionNames, regsetName } from '../../lib/kernel/index.js';

it('PTRACE_O_MASK holds every option and nothing else', () => {
  expect(PTRACE_O_MASK).toBe(0x3000ff);
});

it('optionNames names each bit and shows the rest', () => {
  expect(optionNames(0)).toEqual([]);
  expect(optionNames(PTRACE_O.TRACESYSGOOD | PTRACE_O.EXITKILL)).toEqual([
    'PTRACE_O_TRACESYSGOOD',
    'PTRACE_O_EXITKILL',
  ]);
  expect(optionNames(PTRACE_O.TRACEEXIT | 0x100)).toEqual(['PTRACE_O_TRACEEXIT', '0x100']);
  expect(optionNames(-1)).toHaveLength(11);
  expect(optionNames(-1).at(-1)).toBe('0xffcfff00');
});

it('optionNames loses no bit of any mask', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffffff }), (mask) => {
      const bits = optionNames(mask).map((name) =>
        name.startsWith('0x') ? Number(name) : PTRACE_O[name.slice('PTRACE_O_'.length) as keyof typeof PTRACE_O],
      );
      expect(bits.reduce((all, bit) => (all | bit) >>> 0, 0)).toBe(mask);
    }),
  );
});

it('eventName and regsetName name the known and show the unknown', () => {
  expect(eventName(128)).toBe('PTRACE_EVENT_STOP');
  expect(eventName(5)).toBe('PTRACE_EVENT_VFORK_DONE');
  expect(eventName(99)).toBe('PTRACE_EVENT_99');
  expect(regsetName(1)).toBe('NT_PRSTATUS');
  expect(regsetName(0x405)).toBe('NT_ARM_SVE');
  expect(regsetName(0x204)).toBe('NT_X86_SHSTK');
  expect(regsetName(0xabcd)).toBe('NT_0xabcd');
});
