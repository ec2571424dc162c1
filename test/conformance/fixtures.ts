/** Reports that no kernel has made. */
import type { Outcome } from '../../lib/conformance/play.js';
import { makeReport, type Report } from '../../lib/conformance/report/report.js';
import { commit, mail, manual, scenario, suite, type Scenario } from '../../lib/conformance/scenario.js';
import type { ProbeReport } from '../../lib/probe/index.js';

const play = (): void => undefined;

/** Scenarios of every kind of source. */
export const scenarios: readonly Scenario[] = [
  scenario({
    id: 'seize-no-trap',
    title: 'SEIZE does not stop its tracee',
    source: [commit('3544d72a0e10', 'ptrace: implement PTRACE_SEIZE'), manual('ptrace(2)', 'Attaching and detaching')],
    tags: ['seize', 'attach'],
    rule: 'A seized tracee runs on.',
    since: '3.4',
    history: 'SEIZE came with 3.4.',
    play,
    expect: 'E: SEIZE = 0\nE: poll = nothing',
  }),
  scenario({
    id: 'attach-into-signal',
    title: 'A signal & a <trace> "collide"',
    source: [suite('ptrace-tests', 'attach-into-signal')],
    also: ['attach-signal'],
    tags: ['attach', 'signals'],
    rule: 'No signal is lost.',
    play,
    expect: 'E: ATTACH = 0\nE: wait = stopped by SIGSTOP',
  }),
  scenario({
    id: 'block-step',
    title: 'SINGLEBLOCK stops behind a branch',
    source: [suite('ptrace-tests', 'block-step')],
    tags: ['step'],
    rule: 'BTF.',
    arch: ['x64'],
    needs: ['step.block'],
    play,
    expect: 'E: SINGLEBLOCK = 0',
  }),
  scenario({
    id: 'race',
    title: 'Nobody knows',
    source: [mail('linux-kernel', 'what happens?', 2011)],
    tags: ['exec'],
    rule: 'There is none.',
    recorded: 'a race',
    play,
  }),
];

export const outcomes: readonly Outcome[] = [
  {
    id: 'seize-no-trap',
    verdict: 'pass',
    observations: ['E: SEIZE = 0', 'E: poll = nothing'],
    expected: ['E: SEIZE = 0', 'E: poll = nothing'],
    durationMs: 1.5,
  },
  {
    id: 'attach-into-signal',
    verdict: 'fail',
    observations: ['E: ATTACH = 0', 'E: wait = stopped by SIGUSR1', 'E: # </script> ]]> \u0007 = 1'],
    expected: ['E: ATTACH = 0', 'E: wait = stopped by SIGSTOP'],
    because: 'it is so since 3.0',
    durationMs: 20,
  },
  { id: 'block-step', verdict: 'skip', reason: 'no BTF # here\\', observations: [], durationMs: 0 },
  { id: 'race', verdict: 'recorded', reason: 'a race', observations: ['E: wait = exited 0'], durationMs: 2 },
];

const probe: ProbeReport = {
  schema: 1,
  kernel: { release: '6.18.0', version: '#1 SMP', machine: 'x86_64' },
  arch: 'x64',
  cpu: 'Some <CPU>',
  node: 'v20.0.0',
  durationMs: 3,
  capabilities: [{ id: 'request.PTRACE_SEIZE', group: 'request', status: 'yes', detail: 'works' }],
};

export interface Changes {
  readonly release?: string;
  readonly outcomes?: readonly Outcome[];
  readonly scenarios?: readonly Scenario[];
  readonly interrupted?: boolean;
}

export function report(changes: Changes = {}): Report {
  const { release = '6.18.0', interrupted = false } = changes;
  return makeReport({
    package: { name: 'linux-ptrace', version: '1.2.3' },
    probe: { ...probe, kernel: { ...probe.kernel, release } },
    begin: new Date('2026-01-02T03:04:05.678Z'),
    durationMs: 1234.5,
    interrupted,
    scenarios: changes.scenarios ?? scenarios,
    outcomes: changes.outcomes ?? outcomes,
  });
}

/** The outcomes with one of them changed. */
export function changed(id: string, change: Partial<Outcome>): Outcome[] {
  return outcomes.map((outcome) => (outcome.id === id ? { ...outcome, ...change } : outcome));
}
