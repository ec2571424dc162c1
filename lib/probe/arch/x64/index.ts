import type { ArchProbe } from '../../arch-probe.js';
import { failed, no, type Notes, yes } from '../../notes.js';
import type { Section } from '../../section.js';
import { debug } from './debug.js';
import { requests } from './requests.js';
import { i386View } from './view.js';

const X32_BIT = 0x4000_0000;
const GETPID = 39;
const GETPID_I386 = 20;

/** A native program may make calls of the other ABIs, and is asked what came of it. */
const abis: Section = {
  ids: ['abi.i386', 'abi.x32'],
  run(lab, notes) {
    const specimen = lab.stopped((part) =>
      part
        .syscall(X32_BIT + GETPID)
        .store('x32')
        .tgkillSelf('SIGUSR2')
        .syscall32(GETPID_I386)
        .store('i386')
        .tgkillSelf('SIGUSR2')
        .loop((s) => s.pause()),
    );
    const note = (notes: Notes, abi: 'x32' | 'i386', how: string): void => {
      const answer = Number(specimen.read(abi));
      if (answer === specimen.tid) notes.set(`abi.${abi}`, yes(`system calls by ${how}`));
      else if (answer < 0) notes.set(`abi.${abi}`, failed(-answer, `system calls by ${how} are refused`));
      else notes.set(`abi.${abi}`, no('a system call did something else'));
    };
    specimen.runToMark();
    note(notes, 'x32', 'the bit 0x40000000');
    const stop = specimen.resumeToStop();
    if (stop.kind === 'stopped' && stop.signal === 11) notes.set('abi.i386', no('int 0x80 faults: switched off'));
    else note(notes, 'i386', 'int 0x80');
  },
};

const IOPORTS = [0x80, 1, 1] as const;

export const x64: ArchProbe = {
  requests,
  prepareRequests: () => undefined,
  // Without a right to any port there is no permission bitmap to be read. Only root gets one.
  prepareRegsets: (s) => s.syscall('ioperm', ...IOPORTS),
  views: [i386View],
  debug,
  abis,
};
