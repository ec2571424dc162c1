/** What this kernel, policy and CPU allow, found by trying. */
import { closeSync, openSync, readSync } from 'node:fs';
import { machine, release, version } from 'node:os';
import { binding } from '../binding.js';
import { hostArch } from '../kernel/arch/host.js';
import { refused } from '../errors.js';
import { archProbe } from './arch/index.js';
import { catalogue, noteForeign } from './catalogue.js';
import { Lab } from './lab.js';
import { Notes } from './notes.js';
import type { ProbeReport } from './report.js';
import { type Section, runSection } from './section.js';
import { subject } from './subject.js';
import { attaching, traceme } from './sections/beginnings.js';
import { debugging } from './sections/debugging.js';
import { events, exitKill } from './sections/events.js';
import { deadlyCall } from './sections/guard.js';
import { memory } from './sections/memory.js';
import { policy } from './sections/policy.js';
import { processes } from './sections/processes.js';
import { regsets } from './sections/regsets.js';
import { plainRequests } from './sections/requests.js';
import { seizing } from './sections/seizing.js';
import { stepping } from './sections/stepping.js';

export type * from './report.js';

const CPUINFO_BYTES = 4096;

/** The name of the first CPU. The file is as long as the machine has CPUs: its beginning will do. */
function cpuName(): string | undefined {
  const beginning = Buffer.alloc(CPUINFO_BYTES);
  try {
    const fd = openSync('/proc/cpuinfo', 'r');
    try {
      readSync(fd, beginning, 0, CPUINFO_BYTES, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
  const text = beginning.toString('latin1');
  const name = /^model name\s*:\s*(.+)$/m.exec(text)?.[1];
  if (name !== undefined) return name;
  // arm64 tells numbers only.
  const implementer = /^CPU implementer\s*:\s*(\S+)$/m.exec(text)?.[1];
  const part = /^CPU part\s*:\s*(\S+)$/m.exec(text)?.[1];
  return implementer === undefined || part === undefined ? undefined : `implementer ${implementer} part ${part}`;
}

/**
 * Tells what this kernel, policy and CPU allow: every request and option of ptrace(2), every event and register set,
 * hardware breakpoints and watchpoints, steps, waits, ways to memory, other ABIs, and what policies say. Everything is
 * tried on throw-away children of this thread; nothing is concluded from a version.
 *
 * It is synchronous and takes some tens of milliseconds, in which the thread does nothing else. About fifteen forks are
 * made, and a fork copies page tables: in a process with 500 MB of memory in use it is most of a second, and the
 * command `linux-ptrace probe --json` is quicker. On a kernel that accepts a request and never stops the tracee, it
 * takes a few seconds and says so. Nothing is left behind, whatever happens. Tracees and children of others are not
 * touched.
 *
 * Under a seccomp filter children try first whether ptrace(2) and what belongs to it kills; if so, nothing more is
 * tried and all is 'denied'.
 *
 * @throws PtraceError 'unavailable' without the addon
 *
 * Every kernel.
 */
export function probe(): ProbeReport {
  const began = performance.now();
  binding();
  const host = hostArch(process.arch);
  if (host === undefined) throw refused('unavailable', 'probe', 0, `no code for ${process.arch}`);
  const arch = archProbe(host);
  const lab = new Lab(host, subject(arch));
  const notes = new Notes();
  notes.announce(catalogue(lab.arch, arch.views));
  noteForeign(lab.arch, notes);
  try {
    const deadly = deadlyCall(lab);
    if (deadly === undefined) {
      const sections: readonly Section[] = [
        traceme,
        attaching,
        seizing,
        plainRequests(arch),
        stepping,
        debugging(arch),
        memory,
        // What is written back may change the state it is in: it does not run again.
        regsets(host, arch),
        events,
        exitKill,
        processes,
        arch.abis,
        policy,
      ];
      for (const section of sections) runSection(section, lab, notes);
    } else {
      notes.restOfAll({ status: 'denied', detail: `not tried: a seccomp filter kills whoever calls ${deadly}(2)` });
    }
  } finally {
    lab.close();
  }
  const cpu = cpuName();
  return {
    schema: 1,
    kernel: { release: release(), version: version(), machine: machine() },
    arch: host,
    ...(cpu === undefined ? {} : { cpu }),
    node: process.version,
    durationMs: Math.round((performance.now() - began) * 10) / 10,
    capabilities: notes.all(),
  };
}
