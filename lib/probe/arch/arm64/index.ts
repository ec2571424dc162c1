import { ERRNO } from '../../../kernel/errno.js';
import { peekMteTags, pokeMteTags } from '../../../raw/index.js';
import type { ArchProbe, RequestTrials } from '../../arch-probe.js';
import { failed, no, type Outcome, yes } from '../../notes.js';
import type { Section } from '../../section.js';
import { debug } from './debug.js';

const PER_LINUX32 = 8;
const PROT_READ_WRITE_MTE = 0x23;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const PAGE = 4096;

const tagged = (address: bigint, action: () => unknown): Outcome | undefined => {
  if (address < 0n) return failed(Number(-address), 'no memory can be mapped with PROT_MTE');
  action();
  return undefined;
};

const requests: RequestTrials = {
  PEEKMTETAGS: (specimen) => {
    const address = specimen.read('tagged');
    return tagged(address, () => peekMteTags(specimen.tid, address, new Uint8Array(1)));
  },
  POKEMTETAGS: (specimen) => {
    const address = specimen.read('tagged');
    return tagged(address, () => pokeMteTags(specimen.tid, address, new Uint8Array(1)));
  },
};

/** personality(2) takes PER_LINUX32 only where the CPU can run 32-bit code. */
const abis: Section = {
  ids: ['abi.arm'],
  run(lab, notes) {
    const specimen = lab.stopped((part) =>
      part
        .syscall('personality', PER_LINUX32)
        .store('answer')
        .tgkillSelf('SIGUSR2')
        .loop((s) => s.pause()),
    );
    specimen.runToMark();
    const answer = Number(specimen.read('answer'));
    if (answer >= 0) notes.set('abi.arm', yes('personality(2) takes PER_LINUX32'));
    else if (answer === -ERRNO.EINVAL) notes.set('abi.arm', no('neither this CPU nor this kernel runs 32-bit code'));
    else notes.set('abi.arm', failed(-answer));
  },
};

export const arm64: ArchProbe = {
  requests,
  prepareRequests: (s) => s.syscall('mmap', 0, PAGE, PROT_READ_WRITE_MTE, MAP_PRIVATE_ANONYMOUS, -1, 0).store('tagged'),
  prepareRegsets: () => undefined,
  // The register view of a 32-bit tracee goes with its program, not with its state.
  views: [],
  debug,
  abis,
};
