/** The requests that read and write something of a stopped tracee and give it back as it was. */
import { SIG, signalSet } from '../../kernel/signals.js';
import {
  getEventMessage,
  getRegset,
  getRseqConfiguration,
  getSigmask,
  getSiginfo,
  getSyscallUserDispatch,
  kill,
  peekData,
  peekSiginfo,
  peekText,
  peekUser,
  pokeData,
  pokeText,
  pokeUser,
  setRegset,
  setSiginfo,
  setSigmask,
  setSyscallUserDispatch,
} from '../../raw/index.js';
import { NT } from '../../kernel/regsets.js';
import { type RequestName, requestId } from '../catalogue.js';
import type { Specimen } from '../lab.js';
import { no, yes } from '../notes.js';
import type { ArchProbe, RequestTrials } from '../arch-probe.js';
import type { Section } from '../section.js';

const PATTERN = 0x1122_3344_5566_7788n;

function poked(specimen: Specimen, name: string, poke: (tid: number, address: bigint, value: bigint) => void) {
  poke(specimen.tid, specimen.child.address(name), PATTERN);
  return specimen.read(name) === PATTERN ? yes() : no('was accepted, and changed nothing');
}

const everywhere: RequestTrials = {
  PEEKTEXT: ({ tid, child }) => (peekText(tid, child.address('data')) === 42n ? yes() : no('read something else')),
  PEEKDATA: ({ tid, child }) => (peekData(tid, child.address('data')) === 42n ? yes() : no('read something else')),
  POKETEXT: (specimen) => poked(specimen, 'text', pokeText),
  POKEDATA: (specimen) => poked(specimen, 'more', pokeData),
  PEEKUSER: ({ tid }) => {
    peekUser(tid, 0);
  },
  POKEUSER: ({ tid }) => {
    pokeUser(tid, 0, peekUser(tid, 0));
  },
  GETEVENTMSG: ({ tid }) => {
    getEventMessage(tid);
  },
  GETSIGINFO: ({ tid }) => (getSiginfo(tid).bytes[0] === SIG.SIGTRAP ? yes() : no('told another signal')),
  SETSIGINFO: ({ tid }) => {
    setSiginfo(tid, getSiginfo(tid).bytes);
  },
  GETREGSET: ({ tid }) => {
    getRegset(tid, NT.PRSTATUS);
  },
  SETREGSET: ({ tid }) => {
    setRegset(tid, NT.PRSTATUS, getRegset(tid, NT.PRSTATUS));
  },
  PEEKSIGINFO: ({ tid }) => {
    kill(tid, SIG.SIGUSR1);
    const [pending] = peekSiginfo(tid, { shared: true });
    return pending?.bytes[0] === SIG.SIGUSR1 ? yes() : no('did not show a pending signal');
  },
  GETSIGMASK: ({ tid }) => (getSigmask(tid) === signalSet([SIG.SIGUSR1]) ? yes() : no('told another mask')),
  SETSIGMASK: ({ tid }) => {
    setSigmask(tid, signalSet([SIG.SIGUSR1, SIG.SIGUSR2]));
    return getSigmask(tid) === signalSet([SIG.SIGUSR1, SIG.SIGUSR2]) ? yes() : no('was accepted, and changed nothing');
  },
  GET_RSEQ_CONFIGURATION: ({ tid }) => {
    getRseqConfiguration(tid);
  },
  GET_SYSCALL_USER_DISPATCH_CONFIG: ({ tid }) => {
    getSyscallUserDispatch(tid);
  },
  SET_SYSCALL_USER_DISPATCH_CONFIG: ({ tid }) => {
    setSyscallUserDispatch(tid, getSyscallUserDispatch(tid));
  },
};

export function plainRequests(arch: ArchProbe): Section {
  const trials = Object.entries({ ...everywhere, ...arch.requests }) as [
    RequestName,
    NonNullable<RequestTrials[RequestName]>,
  ][];
  return {
    ids: trials.map(([name]) => requestId(name)),
    run(lab, notes) {
      const specimen = lab.subject();
      for (const [name, trial] of trials) notes.try(requestId(name), () => trial(specimen));
    },
  };
}
