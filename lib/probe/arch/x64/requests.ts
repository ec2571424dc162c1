/** The requests that only x86 has. SYSEMU and the steps are tried elsewhere. */
import { PTRACE_X64 } from '../../../kernel/arch/x64/requests.js';
import {
  ARCH,
  archPrctlGet,
  archPrctlSet,
  getFpRegs,
  getRegs,
  getThreadArea,
  oldSetOptions,
  request,
  setFpRegs,
  setRegs,
  setThreadArea,
  USER_FPREGS_SIZE,
} from '../../../raw/index.js';
import type { RequestTrials } from '../../arch-probe.js';

/** The first GDT entry for thread-local storage. */
const TLS_ENTRY = 12;

export const requests: RequestTrials = {
  GETREGS: ({ tid }) => {
    getRegs(tid);
  },
  SETREGS: ({ tid }) => {
    setRegs(tid, getRegs(tid));
  },
  GETFPREGS: ({ tid }) => {
    getFpRegs(tid);
  },
  SETFPREGS: ({ tid }) => {
    setFpRegs(tid, getFpRegs(tid));
  },
  GETFPXREGS: ({ tid }) => {
    request(PTRACE_X64.GETFPXREGS, tid, null, new Uint8Array(USER_FPREGS_SIZE));
  },
  SETFPXREGS: ({ tid }) => {
    request(PTRACE_X64.SETFPXREGS, tid, null, getFpRegs(tid));
  },
  OLDSETOPTIONS: ({ tid }) => {
    oldSetOptions(tid, 0);
  },
  GET_THREAD_AREA: ({ tid }) => {
    getThreadArea(tid, TLS_ENTRY);
  },
  SET_THREAD_AREA: ({ tid }) => {
    setThreadArea(tid, TLS_ENTRY, getThreadArea(tid, TLS_ENTRY));
  },
  ARCH_PRCTL: ({ tid }) => {
    archPrctlSet(tid, ARCH.SET_FS, archPrctlGet(tid, ARCH.GET_FS));
  },
};
