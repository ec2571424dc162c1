/** System call stops and what is told of them; SYSEMU; steps by instruction and by branch. */
import type { Abi } from '../../kernel/arch/host.js';
import { breakpointFor } from '../../kernel/breakpoint.js';
import { PTRACE_O } from '../../kernel/options.js';
import { STRUCT_SIZE } from '../../kernel/requests.js';
import type { WaitStatus } from '../../kernel/wait-status.js';
import { hostSyscallNumber } from '../../raw/host-syscalls.js';
import {
  cont,
  peekText,
  pokeText,
  setOptions,
  setSyscallInfo,
  singleblock,
  singlestep,
  syscall,
  sysemu,
  sysemuSinglestep,
} from '../../raw/index.js';
import { optionId, requestId, syscallInfoId } from '../catalogue.js';
import { isTrap, type Lab, type Specimen, unexpected } from '../lab.js';
import { no, notHere, type Notes, type Outcome, yes } from '../notes.js';
import type { Section } from '../section.js';
import { noteInfo } from './syscall-info.js';

/** Where the number of a system call, and its result, are in struct ptrace_syscall_info. */
const NUMBER = 24;
const NOPS = 64n;

const isSyscallStop = (status: WaitStatus): boolean => status.kind === 'syscall-stop' || isTrap(status);

function syscallStops(notes: Notes, specimen: Specimen): void {
  const { tid } = specimen;
  setOptions(tid, PTRACE_O.TRACESYSGOOD);
  const none = noteInfo(notes, tid, 'none');
  notes.set(requestId('GET_SYSCALL_INFO'), none === undefined ? no('see syscall-info') : yes());
  const entry = specimen.resume(syscall, 'PTRACE_SYSCALL');
  notes.set(requestId('SYSCALL'), isSyscallStop(entry) ? yes() : no(`${entry.kind} came instead of the stop`));
  notes.set(
    optionId('TRACESYSGOOD', 'effect'),
    entry.kind === 'syscall-stop' ? yes('marks system call stops') : no('does not mark system call stops'),
  );
  const info = noteInfo(notes, tid, 'entry');
  // Another call in its place, so that it is seen to be made.
  const set = notes.try(requestId('SET_SYSCALL_INFO'), () => {
    const changed = info ?? new Uint8Array(STRUCT_SIZE.SYSCALL_INFO);
    new DataView(changed.buffer).setBigUint64(NUMBER, BigInt(hostSyscallNumber('getpid') ?? 0), true);
    setSyscallInfo(tid, changed);
  });
  specimen.resume(syscall, 'PTRACE_SYSCALL');
  const result = noteInfo(notes, tid, 'exit');
  if (set.status !== 'yes' || result === undefined) return;
  const answer = new DataView(result.buffer).getBigInt64(NUMBER, true);
  if (answer !== BigInt(tid)) notes.set(requestId('SET_SYSCALL_INFO'), no('was accepted, and changed nothing'));
}

function emulation(notes: Notes, specimen: Specimen): void {
  const stop = specimen.resume(sysemu, 'PTRACE_SYSEMU');
  if (!isSyscallStop(stop)) throw unexpected('PTRACE_SYSEMU', specimen.tid, stop);
  notes.set(requestId('SYSEMU'), yes());
  specimen.write('answer', 0n);
  specimen.resume(sysemu, 'PTRACE_SYSEMU');
  const executed = specimen.read('answer') === BigInt(process.pid);
  notes.set(
    'step.sysemu',
    executed ? no('the system call was made all the same') : yes('stops at system calls and leaves them out'),
  );
}

/** To the first of the instructions that do nothing, by a breakpoint. */
function toNops(specimen: Specimen, abi: Abi): void {
  const { tid, child } = specimen;
  const { bytes } = breakpointFor(abi);
  const word = peekText(tid, child.nops);
  const patched = new DataView(new BigUint64Array([word]).buffer);
  bytes.forEach((byte, index) => {
    patched.setUint8(index, byte);
  });
  pokeText(tid, child.nops, patched.getBigUint64(0, true));
  const stop = specimen.resume(cont, 'PTRACE_CONT');
  pokeText(tid, child.nops, word);
  if (!isTrap(stop)) throw unexpected('a breakpoint', tid, stop);
  specimen.pc = child.nops;
}

function stepOver(specimen: Specimen, action: (tid: number) => void, name: string, width: bigint): Outcome {
  const before = specimen.pc;
  const stop = specimen.resume(action, name);
  if (!isTrap(stop)) return no(`${stop.kind} came instead of the stop`);
  const moved = specimen.pc - before;
  return moved === width ? yes('one instruction') : no(`stopped ${moved} bytes further`);
}

function blockStep(specimen: Specimen, width: bigint): { readonly request: Outcome; readonly step: Outcome } {
  const before = specimen.pc;
  const stop = specimen.resume(singleblock, 'PTRACE_SINGLEBLOCK');
  if (!isTrap(stop)) {
    const outcome = no(`${stop.kind} came instead of the stop`);
    return { request: outcome, step: outcome };
  }
  const after = specimen.pc;
  const end = specimen.child.nops + NOPS * width;
  const step =
    after < specimen.child.nops || after > end
      ? yes('to the next branch')
      : no(after === before + width ? 'is accepted, and steps one instruction' : 'is accepted, and stops elsewhere');
  return { request: yes(), step };
}

export const stepping: Section = {
  ids: [
    ...(
      [
        'SYSCALL',
        'GET_SYSCALL_INFO',
        'SET_SYSCALL_INFO',
        'SYSEMU',
        'SYSEMU_SINGLESTEP',
        'SINGLESTEP',
        'SINGLEBLOCK',
      ] as const
    ).map(requestId),
    ...(['none', 'entry', 'exit'] as const).map(syscallInfoId),
    'step.single',
    'step.block',
    'step.sysemu',
    'step.sysemu-single',
    optionId('TRACESYSGOOD', 'effect'),
  ],
  run(lab: Lab, notes) {
    const specimen = lab.subject();
    syscallStops(notes, specimen);
    const emulates = notes.try(requestId('SYSEMU'), () => emulation(notes, specimen));
    if (emulates.status !== 'yes') notes.rest(['step.sysemu'], emulates);

    toNops(specimen, lab.arch.nativeAbi);
    // An instruction that does nothing is as long as the breakpoint on every architecture here.
    const width = BigInt(breakpointFor(lab.arch.nativeAbi).bytes.length);
    const single = notes.try(requestId('SINGLESTEP'), () => stepOver(specimen, singlestep, 'PTRACE_SINGLESTEP', width));
    notes.set('step.single', single);
    const sysemuSingle = notes.try(requestId('SYSEMU_SINGLESTEP'), () =>
      stepOver(specimen, sysemuSinglestep, 'PTRACE_SYSEMU_SINGLESTEP', width),
    );
    notes.set('step.sysemu-single', sysemuSingle);
    if (!('SINGLEBLOCK' in lab.arch.requests)) {
      notes.set('step.block', notHere('PTRACE_SINGLEBLOCK is a request of x64'));
      return;
    }
    const block = notes.try(requestId('SINGLEBLOCK'), () => {
      const { request, step } = blockStep(specimen, width);
      notes.set('step.block', step);
      return request;
    });
    if (block.status !== 'yes') notes.rest(['step.block'], block);
  },
};
