/** SEIZE, INTERRUPT, DETACH, LISTEN; every option by SEIZE and by SETOPTIONS. */
import { PTRACE_EVENT } from '../../kernel/events.js';
import { PTRACE_O } from '../../kernel/options.js';
import { SIG } from '../../kernel/signals.js';
import { script } from '../../raw/child.js';
import { cont, detach, interrupt, kill, listen, seize, setOptions } from '../../raw/index.js';
import { eventId, optionId, optionNames, requestId } from '../catalogue.js';
import { type Lab, unexpected } from '../lab.js';
import { no, type Notes, yes } from '../notes.js';
import type { Section } from '../section.js';

function stopAgain(lab: Lab, tid: number): void {
  interrupt(tid);
  lab.awaitEvent(tid, PTRACE_EVENT.STOP, 'PTRACE_INTERRUPT');
}

export const seizing: Section = {
  ids: [
    ...(['SEIZE', 'INTERRUPT', 'DETACH', 'SETOPTIONS', 'LISTEN'] as const).map(requestId),
    eventId('STOP'),
    ...optionNames.flatMap((name) => [optionId(name, 'seize'), optionId(name, 'setoptions')]),
  ],
  run(lab, notes) {
    const { pid } = lab.start(script().loop((s) => s.pause()));
    notes.try(requestId('SEIZE'), () => seize(pid));
    const stops = notes.try(requestId('INTERRUPT'), () => stopAgain(lab, pid));
    notes.set(eventId('STOP'), stops.status === 'yes' ? yes('comes') : stops);
    notes.try(requestId('DETACH'), () => detach(pid));
    for (const name of optionNames) {
      notes.try(optionId(name, 'seize'), () => {
        seize(pid, PTRACE_O[name]);
        stopAgain(lab, pid);
        detach(pid);
        return 'is taken';
      });
    }
    seize(pid);
    stopAgain(lab, pid);
    for (const name of optionNames) {
      notes.try(optionId(name, 'setoptions'), () => {
        setOptions(pid, PTRACE_O[name]);
        return 'is taken';
      });
    }
    notes.try(requestId('SETOPTIONS'), () => setOptions(pid, 0));
    listening(lab, notes, pid);
  },
};

function listening(lab: Lab, notes: Notes, tid: number): void {
  notes.try(requestId('LISTEN'), () => {
    cont(tid);
    kill(tid, SIG.SIGSTOP);
    const delivery = lab.await(tid, 'SIGSTOP');
    if (delivery.kind !== 'stopped' || delivery.signal !== SIG.SIGSTOP) throw unexpected('SIGSTOP', tid, delivery);
    cont(tid, SIG.SIGSTOP);
    const group = lab.awaitEvent(tid, PTRACE_EVENT.STOP, 'SIGSTOP');
    if (group.signal !== SIG.SIGSTOP) return no(`the group-stop came with signal ${group.signal}`);
    listen(tid);
    kill(tid, SIG.SIGCONT);
    lab.awaitEvent(tid, PTRACE_EVENT.STOP, 'PTRACE_LISTEN');
    return 'works';
  });
}
