/** The matrix of every situation and every request. */
import { W } from '../../kernel/wait-flags.js';
import { manual, scenario, type Scenario } from '../scenario.js';
import { requestTranscript } from './request-rules.js';
import { type Request, requests } from './requests.js';
import { type Situation, situations } from './situations.js';

const FLAGS = W.__WALL | W.WUNTRACED;

const KILLS = { release: '5.19', why: 'PTRACE_KILL sends SIGKILL since 6a2d90ba027a' } as const;
const EXIT_STAYS = {
  release: '6.1',
  why: 'SIGKILL does not take a tracee out of PTRACE_EVENT_EXIT since Linux 6.1',
} as const;

/** From when on the rules hold: what older kernels do is only recorded. */
function sinceOf(situation: Situation, { id }: Request): Pick<Scenario, 'since'> {
  if (id === 'KILL') return { since: situation.special === 'exit' ? EXIT_STAYS.release : KILLS.release };
  return { since: '5.3' };
}

function cell(situation: Situation, request: Request): Scenario {
  return scenario({
    id: `matrix/${situation.id}/${request.id}`,
    title: `PTRACE_${request.id} ${request.title}: a tracee ${situation.title}`,
    source: [manual('ptrace(2)', 'DESCRIPTION')],
    tags: ['matrix', 'matrix-requests', situation.id],
    rule:
      'Requests other than ATTACH, SEIZE, INTERRUPT and KILL want a tracee of the calling thread in a ptrace-stop and give ESRCH elsewhere. LISTEN wants a stop with ' +
      'PTRACE_EVENT_STOP. The mark that follows tells what the request has changed.',
    ...sinceOf(situation, request),
    needs: [...(situation.needs ?? []), ...(request.needs ?? [])],
    play(s) {
      const e = situation.enter(s);
      const result = request.make(e, situation);
      e.poll(FLAGS);
      if (e.ended || situation.special === 'dead' || (request.resumes && result === '0')) return;
      if (e.cont() === '0') e.poll(FLAGS);
    },
    expect: requestTranscript(situation, request),
  });
}

/** One scenario a cell. */
export const requestCells: readonly Scenario[] = situations.flatMap((situation) =>
  requests.map((request) => cell(situation, request)),
);
