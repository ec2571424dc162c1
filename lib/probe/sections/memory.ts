/** The ways to a tracee's memory, through write protection too. */
import { closeSync, openSync } from 'node:fs';
import { binding } from '../../binding.js';
import { fromErrno } from '../../errors.js';
import { peekText, pokeText, processVmRead, processVmWrite } from '../../raw/index.js';
import { memoryIds } from '../catalogue.js';
import type { Specimen } from '../lab.js';
import { no, type Outcome, yes } from '../notes.js';
import type { Section } from '../section.js';

const PATTERN = 0x0123_4567_89ab_cdefn;

function opened<T>(tid: number, flags: 'r' | 'r+', use: (fd: number) => T): T {
  let fd: number;
  try {
    fd = openSync(`/proc/${tid}/mem`, flags);
  } catch (error) {
    throw fromErrno(`open /proc/pid/mem`, tid, -((error as NodeJS.ErrnoException).errno ?? 0), undefined, undefined, {
      cause: error,
    });
  }
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

function must(result: number, call: string, tid: number): void {
  if (result < 0) throw fromErrno(call, tid, -result);
}

function reads(transfer: (specimen: Specimen, address: bigint, buffer: BigUint64Array) => void) {
  return (specimen: Specimen): Outcome => {
    specimen.write('data', PATTERN);
    const buffer = new BigUint64Array(1);
    transfer(specimen, specimen.child.address('data'), buffer);
    return buffer[0] === PATTERN ? yes() : no('read something else');
  };
}

function writes(transfer: (specimen: Specimen, address: bigint, buffer: BigUint64Array) => void) {
  return (specimen: Specimen): Outcome => {
    specimen.write('data', 0n);
    transfer(specimen, specimen.child.address('data'), new BigUint64Array([PATTERN]));
    return specimen.read('data') === PATTERN ? yes() : no('was accepted, and changed nothing');
  };
}

/** Code may not be written to: only a tracer can, and not by every way. */
function forces(transfer: (specimen: Specimen, address: bigint, buffer: BigUint64Array) => void) {
  return (specimen: Specimen): Outcome => {
    const { tid, child } = specimen;
    const before = peekText(tid, child.nops);
    transfer(specimen, child.nops, new BigUint64Array([before ^ 1n]));
    const changed = peekText(tid, child.nops) === (before ^ 1n);
    transfer(specimen, child.nops, new BigUint64Array([before]));
    return changed ? yes('writes to memory that is write-protected') : no('was accepted, and changed nothing');
  };
}

const writeProc = ({ tid }: Specimen, address: bigint, buffer: BigUint64Array): void => {
  opened(tid, 'r+', (fd) => must(binding().writeAt(fd, address, buffer, 0, 8), 'write /proc/pid/mem', tid));
};

const trials: Readonly<Record<(typeof memoryIds)[number], (specimen: Specimen) => Outcome>> = {
  'memory.process_vm_readv': reads(({ tid }, address, buffer) => processVmRead(tid, address, buffer)),
  'memory.process_vm_writev': writes(({ tid }, address, buffer) => processVmWrite(tid, address, buffer)),
  'memory.proc-mem-read': reads(({ tid }, address, buffer) =>
    opened(tid, 'r', (fd) => must(binding().readAt(fd, address, buffer, 0, 8), 'read /proc/pid/mem', tid)),
  ),
  'memory.proc-mem-write': writes(writeProc),
  'memory.proc-mem-force': forces(writeProc),
  'memory.poke-force': forces(({ tid }, address, buffer) => pokeText(tid, address, buffer[0] ?? 0n)),
};

export const memory: Section = {
  ids: memoryIds,
  run(lab, notes) {
    const specimen = lab.subject();
    for (const id of memoryIds) notes.try(id, () => trials[id](specimen));
  },
};
