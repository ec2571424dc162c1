/** PTRACE_JOBCTL_CONT beside LISTEN: what was proposed, and what the page says of both. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { comparison, DESIGNS, playDesign, programs } from '../../../lib/conformance/backend/jobctl-designs.js';
import { PTRACE_JOBCTL_CONT } from '../../../lib/engine/index.js';
import { root } from '../../helpers/dist.js';
import { clients } from './clients.js';

const program = (id: string) => {
  const found = programs.find((each) => each.id === id);
  if (found === undefined) throw new Error(`there is no program ${id}`);
  return found;
};

/** The cells of the tables in a text, without the blanks that line them up. */
function rows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|') && !line.startsWith('| -'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
}

describe('PTRACE_JOBCTL_CONT', () => {
  it('is valid only where the tracee has reported PTRACE_EVENT_STOP', () => {
    const { stage, on, lines } = clients();
    const e = stage.pauser();
    on('A', () => {
      e.seize();
      e.request('JOBCTL_CONT', PTRACE_JOBCTL_CONT, 0, 0);
      e.kill('SIGUSR1');
      e.wait();
      e.request('JOBCTL_CONT', PTRACE_JOBCTL_CONT, 0, 0);
      e.kill('SIGKILL');
      e.wait();
    });
    expect(lines()).toEqual([
      'A: E: SEIZE = 0',
      'A: E: JOBCTL_CONT = ESRCH',
      'A: E: kill SIGUSR1 = 0',
      'A: E: wait = stopped by SIGUSR1',
      'A: E: JOBCTL_CONT = EIO',
      'A: E: kill SIGKILL = 0',
      'A: E: wait = killed by SIGKILL',
    ]);
  });

  it.each(DESIGNS)('%s: each change is one trap and one report', (design) => {
    for (const id of ['one-stop', 'missed', 'cycles', 'burst']) {
      const { traps, reports } = playDesign(program(id), design);
      expect({ id, traps }).toEqual({ id, traps: reports });
    }
  });

  it('INTERRUPT: the stop is there when the request returns, and was not after LISTEN', () => {
    expect(playDesign(program('interrupt-race'), 'JOBCTL_CONT').seen).toEqual(['times it was there = 10 of 10']);
    expect(playDesign(program('interrupt-race'), 'LISTEN').seen).toEqual(['times it was there = 0 of 10']);
  });

  it('CONT lets the tracee run, which LISTEN refuses', () => {
    expect(playDesign(program('cont'), 'JOBCTL_CONT').seen).toContain('CONT = 0');
    expect(playDesign(program('cont'), 'LISTEN').seen).toContain('CONT = ESRCH');
  });

  it('docs/jobctl-cont.md shows what the programs give', () => {
    const page = readFileSync(join(root, 'docs', 'jobctl-cont.md'), 'utf8');
    expect(rows(page)).toEqual(rows(comparison()));
  });
});
