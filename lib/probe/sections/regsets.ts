/** Every register set: whether it can be read, how long it is, whether it can be written back. */
import type { Abi } from '../../kernel/arch/host.js';
import { archOf } from '../../kernel/arch/index.js';
import type { HostArch } from '../../kernel/arch/host.js';
import { ERRNO } from '../../kernel/errno.js';
import { NT, type RegsetName } from '../../kernel/regsets.js';
import { getRegset, setRegset } from '../../raw/index.js';
import type { ArchProbe } from '../arch-probe.js';
import { regsetId, regsetNames } from '../catalogue.js';
import type { Specimen } from '../lab.js';
import { attempt, failed, type Notes, type Outcome, yes } from '../notes.js';
import type { Section } from '../section.js';

const absences: ReadonlyMap<number, string> = new Map([
  [ERRNO.EINVAL, 'this kernel has no such set for a tracee of this ABI'],
  [ERRNO.ENODEV, 'the CPU or the kernel does not have it'],
  [ERRNO.ENXIO, 'the tracee has nothing in it'],
  [ERRNO.EIO, 'the tracee has nothing in it'],
]);

function absent(outcome: Outcome): Outcome {
  if (outcome.errno === undefined) return outcome;
  return failed(outcome.errno, absences.get(outcome.errno));
}

interface Read {
  readonly id: string;
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** Reads all before anything is written: on arm64 a write may change the state in which others are there. */
function readAndWrite(notes: Notes, { tid }: Specimen, names: readonly RegsetName[], abi?: Abi): void {
  const sets: Read[] = [];
  // Every tracee has this one: without it the request is what is missing.
  const unknown = attempt(() => getRegset(tid, NT.PRSTATUS)).errno === ERRNO.EIO;
  for (const name of names) {
    const id = regsetId(name, abi);
    const outcome = attempt(() => {
      sets.push({ id, type: NT[name], bytes: getRegset(tid, NT[name]) });
    });
    if (outcome.status !== 'yes') notes.set(id, unknown ? outcome : absent(outcome));
  }
  for (const { id, type, bytes } of sets) {
    const writing = attempt(() => setRegset(tid, type, bytes));
    const writable = writing.status === 'yes';
    const how = writable ? 'read and write' : `read only (${writing.code ?? writing.detail})`;
    notes.set(id, yes(`${bytes.length} bytes, ${how}`), { bytes: bytes.length, readable: true, writable });
  }
}

export function regsets(host: HostArch, arch: ArchProbe): Section {
  const own = regsetNames.filter((name) => archOf(host).regsets.includes(NT[name]));
  return {
    ids: [
      ...own.map((name) => regsetId(name)),
      ...arch.views.flatMap(({ abi, regsets: sets }) => sets.map((name) => regsetId(name, abi))),
    ],
    run(lab, notes) {
      const specimen = lab.subject();
      readAndWrite(notes, specimen, own);
      for (const view of arch.views) {
        view.during(specimen, () => {
          readAndWrite(notes, specimen, view.regsets, view.abi);
        });
      }
    },
  };
}
