/**
 * A tracee is a 32-bit one to ptrace while its code segment is: a register decides, no program of that ABI is needed.
 */
import { X64Registers } from '../../../kernel/arch/x64/registers.js';
import { getRegs, setRegs } from '../../../raw/index.js';
import type { AbiView } from '../../arch-probe.js';

/** __USER32_CS. */
const CODE_SEGMENT_32 = 0x23;

export const i386View: AbiView = {
  abi: 'i386',
  regsets: ['PRSTATUS', 'PRFPREG', 'PRXFPREG', 'X86_XSTATE', '386_TLS', '386_IOPERM'],
  during({ tid }, look) {
    const before = getRegs(tid);
    const registers = new X64Registers(before.slice());
    registers.set('cs', CODE_SEGMENT_32);
    setRegs(tid, registers.bytes);
    try {
      look();
    } finally {
      setRegs(tid, before);
    }
  },
};
