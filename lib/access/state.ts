/** What stands against an attach whatever the rights, and what this package refuses where the kernel would not. */
import type { AccessFacts, CallerFacts, TargetFacts } from './facts.js';
import type { AccessFinding } from './findings.js';

/** What is certain whatever the rights: the state of the target. */
export function stateFindings(facts: AccessFacts, target: TargetFacts): AccessFinding[] {
  const findings: AccessFinding[] = [];
  if ('ZXx'.includes(target.state)) {
    const others = target.livingThreads;
    findings.push({
      kind: 'dead',
      by: 'kernel',
      blocks: 'yes',
      state: target.state,
      livingThreads: others,
      sentence: 'it has ended, and waits for its parent to take note of it',
      ...(others.length === 0
        ? {}
        : { remedy: `threads of its process are alive, attach to those: ${others.slice(0, 10).join(', ')}` }),
    });
  }
  if (target.kernelThread) {
    findings.push({
      kind: 'kernel-thread',
      by: 'kernel',
      blocks: 'yes',
      sentence: 'it is a thread of the kernel, which nobody can trace',
    });
  }
  if (target.pid === facts.caller.pid) {
    findings.push({
      kind: 'own-thread-group',
      by: 'kernel',
      blocks: 'yes',
      sentence: 'it is a thread of this very process, and a process cannot trace its own threads',
      remedy: 'trace from a process of its own',
    });
  }
  if (target.tracer !== undefined) findings.push(tracedFinding(facts.caller, target.tracer));
  return findings;
}

function tracedFinding(caller: CallerFacts, tracer: NonNullable<TargetFacts['tracer']>): AccessFinding {
  const finding = {
    kind: 'already-traced',
    by: 'kernel',
    blocks: 'yes',
    tracer: tracer.tid,
    ...(tracer.pid === undefined ? {} : { pid: tracer.pid }),
    ...(tracer.name === undefined ? {} : { name: tracer.name }),
  } as const;
  if (tracer.tid === caller.tid) {
    return { ...finding, sentence: 'this thread traces it already', remedy: 'use the tracee there is' };
  }
  if (tracer.pid === caller.pid) {
    return {
      ...finding,
      sentence: `thread ${tracer.tid} of this process traces it already`,
      remedy: 'work with it on that thread (main thread or Worker), or detach it there',
    };
  }
  if (tracer.tid === 0) {
    return {
      ...finding,
      sentence: 'a process outside of this pid namespace traces it already, and only one can',
      remedy: 'end the tracing outside of the container',
    };
  }
  const who = tracer.name === undefined ? `thread ${tracer.tid}` : `${tracer.name} (${tracer.pid ?? tracer.tid})`;
  return {
    ...finding,
    sentence: `${who} traces it already, and only one can`,
    remedy: `end ${who}, or have it detach`,
  };
}

export function ownFindings(facts: AccessFacts, target: TargetFacts): AccessFinding[] {
  const findings: AccessFinding[] = [];
  if (facts.caller.tracedBy.includes(target.pid)) {
    findings.push({
      kind: 'traces-caller',
      by: 'linux-ptrace',
      blocks: 'yes',
      sentence: 'it traces this process, and each would wait for the other for ever, unkillable',
      remedy: 'trace it from a process that it does not trace',
    });
  }
  if (target.nodesChild && target.tracer === undefined) {
    findings.push({
      kind: 'own-child',
      by: 'linux-ptrace',
      blocks: 'yes',
      sentence: 'it is a child of this process that Node started, and Node would take its first stop for its death',
      remedy:
        'start it with tracer.spawn(), or trace it from another process; { allowNodeChild: true } if nothing in this process waits for it',
    });
  }
  return findings;
}
