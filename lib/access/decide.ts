/**
 * From facts to a verdict: the rules of an attach (PTRACE_MODE_ATTACH_REALCREDS), in the kernel's order.
 *
 * 1. No kernel thread, no thread of the own process; then, after the rest, nothing that has ended or is traced. Source:
 *    ptrace_attach.
 * 2. The *real* user id of the caller equals the target's real, effective and saved one, and so the group ids; or the
 *    caller has CAP_SYS_PTRACE in the target's user namespace. Source: __ptrace_may_access; ptrace(2), "Ptrace access
 *    mode checking".
 * 3. The target is dumpable (1), or the caller has CAP_SYS_PTRACE in the user namespace that the target's memory
 *    belongs to: the one in which it was executed. Source: __ptrace_may_access.
 * 4. Same user namespace, and the target's permitted capabilities are among the caller's permitted ones; or
 *    CAP_SYS_PTRACE as in 2. Source: cap_ptrace_access_check.
 * 5. Yama: scope 1 wants a descendant, a tracer that the target named by PR_SET_PTRACER, or CAP_SYS_PTRACE as in 2;
 *    scope 2 wants that; scope 3 refuses all. Source: yama_ptrace_access_check; Documentation/admin-guide/LSM/Yama.rst.
 * 6. What other security modules say, which no file tells.
 */
import { capableIn, capableOnMemory, hasCapability } from './capable.js';
import { INITIAL_USER_NAMESPACE, type AccessFacts, type CallerFacts, type TargetFacts } from './facts.js';
import type { AccessFinding, AccessReport, Blocks } from './findings.js';
import { moduleFinding, tellsTracingFromReading } from './modules.js';
import { AS_ROOT, idsMatch, ruleFindings } from './rules.js';
import { ownFindings, stateFindings } from './state.js';

function seccompFinding(caller: CallerFacts): AccessFinding[] {
  if (caller.seccomp === 0) return [];
  return [
    {
      kind: 'seccomp',
      by: 'kernel',
      blocks: 'maybe',
      mode: caller.seccomp,
      sentence:
        'this thread is under a seccomp filter, which may refuse ptrace(2) itself and does not show what it does',
      remedy:
        'probe() tries on children; allow ptrace in the filter (docker run --security-opt seccomp=unconfined, systemd SystemCallFilter=@debug)',
    },
  ];
}

/**
 * The kernel's own answer, where it is one for an attach: when the ids and capabilities that reading goes by are those
 * of an attach.
 */
function kernelsAnswer(facts: AccessFacts): 'granted' | 'refused' | 'readable' | 'unknown' {
  const { caller, kernelSays } = facts;
  const comparable =
    caller.uids[0] === caller.uids[3] && caller.gids[0] === caller.gids[3] && caller.effective === caller.permitted;
  if (!comparable) return 'unknown';
  if (kernelSays.attach === 'granted') return 'granted';
  if (kernelSays.attach === 'refused' || kernelSays.read === 'refused') return 'refused';
  return kernelSays.read === 'granted' ? 'readable' : 'unknown';
}

/** The kernel refuses: what can be the reason is the reason. */
function refusedFindings(facts: AccessFacts, target: TargetFacts): AccessFinding[] {
  const { caller } = facts;
  // A capability that may count in the target's namespace did not.
  const capable = capableIn(caller, target.userNamespace) ?? false;
  const rules = ruleFindings(facts, target, capable, capableOnMemory(caller, target) ?? false);
  const explained = rules.some(({ blocks }) => blocks === 'yes');
  if (target.userNamespace === undefined && caller.userNamespace !== INITIAL_USER_NAMESPACE) {
    const likely = !explained || idsMatch(facts, target) === undefined;
    return [outsideFinding(caller, likely ? 'yes' : 'maybe'), ...rules];
  }
  if (explained) return rules;
  const open = rules.filter(({ blocks }) => blocks === 'maybe');
  if (open.length !== 1) return [moduleFinding(facts, target, 'yes'), ...rules];
  return rules.map((rule) => (rule.blocks === 'maybe' ? onlyReason(rule) : rule));
}

function onlyReason(rule: AccessFinding): AccessFinding {
  if (rule.kind !== 'not-dumpable') return { ...rule, blocks: 'yes' };
  return { ...rule, blocks: 'yes', sentence: 'it is not dumpable: the kernel refuses, and no other rule does' };
}

function outsideFinding(caller: CallerFacts, blocks: 'yes' | 'maybe'): AccessFinding {
  return {
    kind: 'user-namespace',
    by: 'kernel',
    blocks,
    own: caller.userNamespace ?? 'unknown',
    target: null,
    sentence: `the user namespace it is in does not show, and may be outside of that of this thread (${caller.userNamespace ?? 'unknown'}), where no capability of this thread counts`,
    remedy: 'trace from outside of that namespace',
  };
}

/** Rules 2 to 6, and what the kernel says to them. */
function rightsFindings(facts: AccessFacts, target: TargetFacts): AccessFinding[] {
  const { caller } = facts;
  const answer = kernelsAnswer(facts);
  if (answer === 'refused') return refusedFindings(facts, target);
  const rules = ruleFindings(facts, target, capableIn(caller, target.userNamespace), capableOnMemory(caller, target));
  if (answer === 'unknown') {
    const harmless = facts.securityModules?.every((name) => ['capability', 'yama', 'lockdown'].includes(name));
    return harmless === true ? rules : [...rules, moduleFinding(facts, target, 'maybe')];
  }
  // Whatever the rules left open is answered; Yama only when it was about an attach.
  const asked = rules.filter((rule) => rule.blocks === 'no' || rule.kind === 'yama');
  if (answer === 'granted') return asked.map(granted);
  // Some modules tell tracing from reading.
  return tellsTracingFromReading(facts, target) ? [...asked, moduleFinding(facts, target, 'maybe')] : asked;
}

function granted(rule: AccessFinding): AccessFinding {
  if (rule.blocks === 'no') return rule;
  const { remedy: _remedy, ...rest } = rule;
  return { ...rest, blocks: 'no', sentence: 'Yama allows it: the target named this process by PR_SET_PTRACER' };
}

/** Kinds that CAP_SYS_PTRACE would overcome. */
const OVERRIDABLE: ReadonlySet<AccessFinding['kind']> = new Set([
  'ids-differ',
  'not-dumpable',
  'capabilities-exceed',
  'yama',
]);

function containerFinding(caller: CallerFacts, findings: readonly AccessFinding[]): AccessFinding[] {
  if (caller.container === undefined || hasCapability(caller)) return [];
  if (!findings.some(({ kind, blocks }) => blocks !== 'no' && OVERRIDABLE.has(kind))) return [];
  return [
    {
      kind: 'container',
      by: 'kernel',
      blocks: 'no',
      sign: caller.container,
      sentence: `this process is in a container (${caller.container}) without CAP_SYS_PTRACE, as containers are by default`,
      remedy:
        'docker run --cap-add=SYS_PTRACE (podman the same; Kubernetes: securityContext.capabilities.add: [SYS_PTRACE]); on kernels before 4.8 --security-opt seccomp=unconfined too',
    },
  ];
}

const RANK: Readonly<Record<Blocks, number>> = { yes: 0, maybe: 1, no: 2 };

function report(pid: number, name: string | undefined, all: readonly AccessFinding[]): AccessReport {
  const findings = all.toSorted((a, b) => RANK[a.blocks] - RANK[b.blocks]);
  const first = findings[0];
  const subject = name === undefined ? `${pid}` : `${name} (${pid})`;
  if (first === undefined || first.blocks === 'no') {
    return {
      pid,
      allowed: 'yes',
      findings,
      summary: `${subject} can be traced by this thread: nothing stands against it`,
    };
  }
  const verdict =
    first.blocks === 'yes' ? 'cannot be traced by this thread' : 'can perhaps not be traced by this thread';
  const remedy = first.remedy === undefined ? '' : `. Remedy: ${first.remedy}`;
  return {
    pid,
    allowed: first.blocks === 'yes' ? 'no' : 'unknown',
    findings,
    summary: `${subject} ${verdict}: ${first.sentence}${remedy}`,
  };
}

/**
 * Decides by facts alone, so that it can be asked about a machine that is not at hand.
 *
 * @param facts of {@link readAccessFacts}, or described
 */
export function decideAccess(facts: AccessFacts): AccessReport {
  const { tid, caller, target } = facts;
  const seccomp = seccompFinding(caller);
  if (target === 'none') {
    return report(tid, undefined, [
      { kind: 'no-such-process', by: 'kernel', blocks: 'yes', sentence: 'there is no such process or thread' },
    ]);
  }
  if (!facts.procIsOurs) {
    return report(tid, undefined, [
      {
        kind: 'foreign-proc',
        by: 'kernel',
        blocks: 'maybe',
        sentence: '/proc is missing or shows another pid namespace than ours, so nothing is known of the target',
        remedy: 'mount the own one: mount -t proc proc /proc',
      },
      ...seccomp,
    ]);
  }
  if (target === 'hidden') {
    return report(tid, undefined, [
      {
        kind: 'hidden',
        by: 'kernel',
        blocks: 'yes',
        sentence: '/proc hides it from this user (mount option hidepid), as it does with all that may not be traced',
        remedy: AS_ROOT,
      },
      ...seccomp,
    ]);
  }
  const state = stateFindings(facts, target);
  // Of these no right is asked.
  const beyond = state.some(({ kind }) => kind === 'dead' || kind === 'kernel-thread' || kind === 'own-thread-group');
  const rights = beyond ? [] : rightsFindings(facts, target);
  return report(tid, target.name, [
    ...state,
    ...ownFindings(facts, target),
    ...rights,
    ...containerFinding(caller, rights),
    ...seccomp,
  ]);
}
