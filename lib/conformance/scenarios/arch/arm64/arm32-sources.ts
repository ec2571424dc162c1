/** Where the rules about AArch32 tracees come from. */
import { commit, manual } from '../../../scenario.js';

export const compat = commit('3dd681d944f6', 'arm64: 32-bit (compat) applications support');
export const debugging = commit('478fcb2cdb23', 'arm64: Debugging support');
export const ptraceView = commit('5d220ff9420f', 'arm64: Better native ptrace support for compat tasks');
export const getregset = manual('ptrace(2)', 'PTRACE_GETREGSET');
