/** The events, each made to happen; the stop of a seccomp filter and what is told of it; the effect of the options. */
import { PTRACE_EVENT, type PtraceEventName } from '../../kernel/events.js';
import { PTRACE_O, type PtraceOptionName } from '../../kernel/options.js';
import { PTRACE } from '../../kernel/requests.js';
import { SIG } from '../../kernel/signals.js';
import { W } from '../../kernel/wait-flags.js';
import { type WaitStatus, decodeWaitStatus } from '../../kernel/wait-status.js';
import { type ChildScript, CLONE } from '../../raw/child.js';
import { cont, getEventMessage, getFilter, getMetadata, setOptions } from '../../raw/index.js';
import { kernelLayer } from '../../raw/kernel-layer.js';
import { eventId, optionId, requestId, syscallInfoId } from '../catalogue.js';
import type { Lab, Specimen } from '../lab.js';
import { attempt, failed, no, type Notes, yes } from '../notes.js';
import type { Section } from '../section.js';
import { traceFilter } from './filters.js';
import { noteInfo } from './syscall-info.js';

/** Events, and the options that ask for them. */
const ASKED_BY = [
  ['SECCOMP', 'TRACESECCOMP'],
  ['FORK', 'TRACEFORK'],
  ['VFORK', 'TRACEVFORK'],
  ['VFORK_DONE', 'TRACEVFORKDONE'],
  ['CLONE', 'TRACECLONE'],
  ['EXIT', 'TRACEEXIT'],
  ['EXEC', 'TRACEEXEC'],
] as const satisfies readonly (readonly [PtraceEventName, PtraceOptionName])[];

const OPTIONS = ASKED_BY.reduce((mask, [, option]) => mask | PTRACE_O[option], PTRACE_O.EXITKILL);

/** It does everything that has an event, the exec last. Then, if that failed, it marks the end. */
function eventful(part: ChildScript): void {
  part
    .seccompFilter(traceFilter('getppid'))
    .store('filtered')
    .tgkillSelf('SIGUSR2')
    .syscall('getppid')
    .store('suspended')
    .tgkillSelf('SIGUSR2')
    .syscall('getppid')
    .fork((child) => child.exitGroup(0))
    .vfork((child) => child.exitGroup(0))
    .thread((thread) => thread.exit(0))
    .exec('/proc/self/exe')
    .tgkillSelf('SIGUSR2')
    .loop((s) => s.pause());
}

/** PTRACE_O_SUSPEND_SECCOMP: with it, the filter that there is does nothing. */
function suspending(notes: Notes, specimen: Specimen): void {
  const id = optionId('SUSPEND_SECCOMP', 'effect');
  const taken = attempt(() => setOptions(specimen.tid, PTRACE_O.SUSPEND_SECCOMP));
  specimen.runToMark();
  // A call that a filter hands to a tracer who did not ask for it fails with ENOSYS.
  const called = specimen.read('suspended') >= 0n;
  if (taken.status !== 'yes') notes.set(id, taken);
  else notes.set(id, called ? yes('suspends the filters') : no('the filter was in force all the same'));
}

function atFilter(notes: Notes, tid: number): void {
  noteInfo(notes, tid, 'seccomp');
  notes.try(requestId('SECCOMP_GET_FILTER'), () => {
    const bytes = getFilter(tid, 0);
    return bytes.length === traceFilter('getppid').length ? yes() : no(`gave ${bytes.length} bytes of another filter`);
  });
  notes.try(requestId('SECCOMP_GET_METADATA'), () => {
    getMetadata(tid, 0);
  });
}

/** One look by a plain wait, without `__WALL` and `__WCLONE`: a thread is a clone child. */
function lookPlainly(tid: number): WaitStatus | 'none' | 'refused' {
  const word = new Int32Array(1);
  const found = kernelLayer().wait4(tid, W.WNOHANG, word, null);
  if (found < 0) return 'refused';
  return found === 0 ? 'none' : decodeWaitStatus(word[0] ?? 0);
}

class Follower {
  readonly #lab: Lab;
  readonly #notes: Notes;
  readonly #root: number;
  /** Tracees that have not ended, and whether a plain wait is tried on their next stop. */
  readonly #running = new Map<number, boolean>();
  readonly seen = new Set<number>();
  finished = false;

  constructor(lab: Lab, notes: Notes, root: number) {
    this.#lab = lab;
    this.#notes = notes;
    this.#root = root;
    this.#running.set(root, false);
  }

  /** Looks at all tracees once. */
  round(): boolean {
    for (const [tid, plainly] of [...this.#running]) {
      const status = plainly ? this.#plainly(tid) : this.#lab.look(tid, 20);
      if (status !== undefined) this.#dispatch(tid, status);
    }
    return this.finished;
  }

  #plainly(tid: number): WaitStatus | undefined {
    const status = lookPlainly(tid);
    if (status === 'none') return undefined;
    this.#running.set(tid, false);
    const id = 'wait.wall-assumed';
    if (status === 'refused') {
      this.#notes.set(id, no('a thread that is traced is found with __WALL or __WCLONE only'));
      return undefined;
    }
    this.#notes.set(id, yes('a thread that is traced is found without __WALL and __WCLONE'));
    return status;
  }

  #dispatch(tid: number, status: WaitStatus): void {
    if (status.kind === 'exited' || status.kind === 'killed') {
      this.#running.delete(tid);
      if (tid === this.#root) this.finished = true;
      return;
    }
    if (status.kind === 'event') this.#event(tid, status.event);
    else if (tid === this.#root && status.kind === 'stopped' && status.signal === SIG.SIGUSR2) this.finished = true;
    if (!this.finished) cont(tid);
  }

  #event(tid: number, event: number): void {
    this.seen.add(event);
    if (event === PTRACE_EVENT.SECCOMP) atFilter(this.#notes, tid);
    // It would go on as another Node.
    if (event === PTRACE_EVENT.EXEC) this.finished = true;
    const { FORK, VFORK, CLONE } = PTRACE_EVENT;
    if (event !== FORK && event !== VFORK && event !== CLONE) return;
    const born = Number(getEventMessage(tid));
    this.#lab.adopt(born);
    this.#running.set(born, event === CLONE);
  }
}

export const events: Section = {
  ids: [
    ...ASKED_BY.flatMap(([event, option]) => [eventId(event), optionId(option, 'effect')]),
    optionId('SUSPEND_SECCOMP', 'effect'),
    requestId('SECCOMP_GET_FILTER'),
    requestId('SECCOMP_GET_METADATA'),
    syscallInfoId('seccomp'),
    'wait.wall-assumed',
  ],
  run(lab, notes) {
    const specimen = lab.stopped(eventful);
    const { tid } = specimen;
    specimen.runToMark();
    const filtered = Number(specimen.read('filtered'));
    if (filtered < 0) {
      const outcome = failed(-filtered, 'seccomp(2) took no filter');
      notes.rest(
        [
          eventId('SECCOMP'),
          optionId('TRACESECCOMP', 'effect'),
          optionId('SUSPEND_SECCOMP', 'effect'),
          requestId('SECCOMP_GET_FILTER'),
          requestId('SECCOMP_GET_METADATA'),
          syscallInfoId('seccomp'),
        ],
        outcome,
      );
      specimen.runToMark();
    } else {
      suspending(notes, specimen);
    }
    setOptions(tid, OPTIONS);
    const follower = new Follower(lab, notes, tid);
    cont(tid);
    const outcome = attempt(() => lab.until('the events', () => follower.round()));
    for (const [event, option] of ASKED_BY) {
      const came = follower.seen.has(PTRACE_EVENT[event]);
      const missing = outcome.status === 'yes' ? no('it did not come') : outcome;
      notes.rest([eventId(event)], came ? yes('comes') : missing);
      notes.rest([optionId(option, 'effect')], came ? yes(`PTRACE_EVENT_${event} comes`) : missing);
    }
  },
};

/**
 * PTRACE_O_EXITKILL: one child traces another with it, and ends. Both are children of ours, so that both ends are told.
 */
export const exitKill: Section = {
  ids: [optionId('EXITKILL', 'effect')],
  run(lab, notes) {
    const tracer = lab.stopped((part) =>
      part
        .clone(CLONE.PARENT | SIG.SIGCHLD, (victim) => victim.dieWithParent().loop((s) => s.pause()))
        .store('victim')
        .syscall('ptrace', PTRACE.SEIZE, part.word('victim'), 0, PTRACE_O.EXITKILL)
        .store('seized')
        .tgkillSelf('SIGUSR2')
        .exitGroup(0),
    );
    tracer.runToMark();
    const victim = Number(tracer.read('victim'));
    if (victim <= 0) {
      notes.set(optionId('EXITKILL', 'effect'), failed(-victim));
      return;
    }
    lab.adopt(victim);
    notes.try(optionId('EXITKILL', 'effect'), () => {
      const seized = Number(tracer.read('seized'));
      if (seized < 0) return failed(-seized);
      tracer.resumeToStop();
      const end = lab.await(victim, 'PTRACE_O_EXITKILL');
      return end.kind === 'killed' && end.signal === SIG.SIGKILL
        ? yes('the tracee dies with its tracer')
        : no(`${end.kind} came instead of the death`);
    });
  },
};
