import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultById, lyingKernel } from '../../lib/conformance/faults/index.js';
import { foretell } from '../../lib/conformance/model/drive.js';
import { withKernelLayer } from '../../lib/raw/kernel-layer.js';
import { limit } from '../helpers/scale.js';
import { agree, sequences } from './model/sequences.js';

/** The same sequences in every run; `npm run model` looks at others. */
const SEED = 20110601;
const RUNS = 2000;

describe('the model of job control under ptrace', () => {
  it('foretells what the kernel does, in 2,000 random sequences', { timeout: limit(300_000) }, () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(sequences, (sequence) => {
        for (const line of agree(sequence)) seen.set(line, (seen.get(line) ?? 0) + 1);
      }),
      { numRuns: RUNS, seed: SEED },
    );
    // The sequences do reach what the model is about.
    for (const line of [
      'E: poll = event STOP SIGSTOP',
      'E: poll = event STOP SIGTSTP',
      'E: poll = event STOP SIGTRAP',
      'E: poll = event EXIT',
      'E: poll = stopped by SIGCONT',
      'E: poll = killed by SIGKILL',
      'E: siginfo = EINVAL',
      'E: siginfo = SIGSTOP SI_KERNEL from the kernel',
      'E: LISTEN = 0',
      'E: LISTEN = EIO',
      'E: LISTEN = ESRCH',
      'E: INTERRUPT = EIO',
      'E: DETACH SIGSTOP = 0',
      'E: state = T (stopped)',
    ]) {
      expect(seen.get(line) ?? 0, line).toBeGreaterThan(5);
    }
  });

  it.each(['interrupt-twice', 'injected-at-event-stop', 'listen-deaf', 'detach-continues'])(
    'finds the fault %s, and shrinks it to a few steps',
    { timeout: limit(120_000) },
    (id) => {
      const fault = faultById(id)!;
      const result = fc.check(
        fc.property(sequences, (sequence) => {
          withKernelLayer(lyingKernel(fault), () => agree(sequence));
        }),
        { numRuns: 1000, seed: SEED },
      );
      expect(result.failed).toBe(true);
      const [least] = result.counterexample!;
      expect(least.actions.length).toBeLessThanOrEqual(7);
      expect(String(result.errorInstance)).toContain('scenario({');
    },
  );

  it('tells the transcript of LISTEN as its commit shows it', () => {
    const lines = foretell(
      [
        { kind: 'seize' },
        { kind: 'interrupt' },
        { kind: 'cont', signal: null },
        { kind: 'kill', signal: 'SIGSTOP' },
        { kind: 'cont', signal: 'SIGSTOP' },
        { kind: 'listen' },
        { kind: 'kill', signal: 'SIGCONT' },
        { kind: 'cont', signal: null },
      ],
      { traceExit: false },
    );
    expect(lines.filter((line) => line.startsWith('E: poll') && !line.endsWith('nothing'))).toEqual([
      'E: poll = event STOP SIGTRAP',
      'E: poll = stopped by SIGSTOP',
      'E: poll = event STOP SIGSTOP',
      'E: poll = event STOP SIGTRAP',
      'E: poll = stopped by SIGCONT',
    ]);
  });
});
