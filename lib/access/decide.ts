/**
 * From facts to a verdict: the rules of an attach (PTRACE_MODE_ATTACH_REALCREDS), in the kernel's order.
 *
 * 1. No kernel thread, no thread of the own process; then, after the rest, nothing that has ended or is traced. Source: ptrace_attach.
 * 2. The *real* user id of the caller equals the target's real, effective and saved one, and so the group ids; or the caller has CAP_SYS_PTRACE
 *    in the target's user namespace. Source: __ptrace_may_access; ptrace(2), "Ptrace access mode checking".
 * 3. The target is dumpable (1), or the caller has CAP_SYS_PTRACE in the user namespace that the target's memory belongs to: the one in which it
 *    was executed. Source: __ptrace_may_access.
 * 4. Same user namespace, and the target's permitted capabilities are among the caller's permitted ones; or CAP_SYS_PTRACE as in 2.
 *    Source: cap_ptrace_access_check.
 * 5. Yama: scope 1 wants a descendant, a tracer that the target named by PR_SET_PTRACER, or CAP_SYS_PTRACE as in 2; scope 2 wants that; scope 3
 *    refuses all. Source: yama_ptrace_access_check; Documentation/admin-guide/LSM/Yama.rst.
 * 6. What other security modules say, which no file tells.
 *
 * A capability counts in the own user namespace and in those below it; and whoever owns a namespace has all of them in it when he is in the one
 * right above. Source: cap_capable; user_namespaces(7).
 */
import { CAP_SYS_PTRACE, capabilityNames } from './capabilities.js';
import { INITIAL_USER_NAMESPACE, type AccessFacts, type CallerFacts, type TargetFacts } from './facts.js';
import type { AccessFinding, AccessReport, Blocks } from './findings.js';

/** Undefined: it cannot be known from here. */
type Truth = boolean | undefined;

function or(a: Truth, b: Truth): Truth {
  if (a === true || b === true) return true;
  return a === false && b === false ? false : undefined;
}

function blocksUnless(passes: Truth): Blocks {
  if (passes === undefined) return 'maybe';
  return passes ? 'no' : 'yes';
}

const hasCapability = (caller: CallerFacts): boolean => (caller.effective & CAP_SYS_PTRACE) !== 0n;

/** Whether the caller has CAP_SYS_PTRACE in a user namespace; undefined for one that may not be read. */
function capableIn(caller: CallerFacts, namespace: string | undefined): Truth {
  const own = caller.userNamespace;
  if (own === undefined) return hasCapability(caller) ? undefined : false;
  if (namespace === own) return hasCapability(caller);
  // All others are below the first one.
  if (own === INITIAL_USER_NAMESPACE && hasCapability(caller)) return true;
  // Nobody has rights above.
  if (namespace === INITIAL_USER_NAMESPACE) return false;
  return undefined;
}

/**
 * Whether the caller has CAP_SYS_PTRACE in the user namespace of the target's memory: that of the target, or one above it, for a process that
 * entered a namespace and has not executed a program there.
 */
function capableOnMemory(caller: CallerFacts, target: TargetFacts): Truth {
  const inTargets = capableIn(caller, target.userNamespace);
  if (caller.userNamespace === INITIAL_USER_NAMESPACE || inTargets === false) return inTargets;
  return undefined;
}

function idsMatch(facts: AccessFacts, target: TargetFacts): Truth {
  const uid = facts.caller.uids[0];
  const gid = facts.caller.gids[0];
  const same =
    target.uids.slice(0, 3).every((each) => each === uid) && target.gids.slice(0, 3).every((each) => each === gid);
  if (!same) return false;
  // Below the first user namespace all ids without a name look like this one.
  const nameless = uid === facts.overflowUid || gid === facts.overflowGid;
  return nameless && facts.caller.userNamespace !== INITIAL_USER_NAMESPACE ? undefined : true;
}

const AS_ROOT =
  'have CAP_SYS_PTRACE in the user namespace of the target: run as root (sudo), or give it to the program with setcap(8)';

function idsFinding(facts: AccessFacts, target: TargetFacts, capable: Truth): AccessFinding[] {
  const { caller } = facts;
  const match = idsMatch(facts, target);
  if (match === true) return [];
  const [uid = -1, gid = -1] = [caller.uids[0], caller.gids[0]];
  const passes = or(match, capable);
  const targetUids = target.uids.slice(0, 3);
  const targetGids = target.gids.slice(0, 3);
  const who = `it runs as uid ${targetUids.join('/')} gid ${targetGids.join('/')} (real/effective/saved), this thread as uid ${uid} gid ${gid}`;
  const finding = { kind: 'ids-differ', by: 'kernel', uid, gid, targetUids, targetGids } as const;
  if (passes === true) {
    return [{ ...finding, blocks: 'no', sentence: `${who}, but CAP_SYS_PTRACE overrides that` }];
  }
  const [runAs = 0] = targetUids;
  const plain = targetUids.every((each) => each === runAs) && new Set(targetGids).size === 1;
  return [
    {
      ...finding,
      blocks: blocksUnless(passes),
      sentence:
        match === undefined
          ? `${who}: ids without a name in this user namespace, which may be the same or not`
          : `${who}, and this thread has no CAP_SYS_PTRACE there`,
      remedy: plain ? `trace as uid ${runAs} gid ${targetGids[0] ?? 0}, or ${AS_ROOT}` : AS_ROOT,
    },
  ];
}

function dumpableFinding(target: TargetFacts, capable: Truth): AccessFinding[] {
  if (target.dumpable === 'yes') return [];
  const passes = or(target.dumpable === 'no' ? false : undefined, capable);
  const finding = { kind: 'not-dumpable', by: 'kernel', dumpable: target.dumpable } as const;
  if (passes === true) {
    // Of a process of root's it is the usual state of knowledge.
    if (target.dumpable === 'unknown') return [];
    return [{ ...finding, blocks: 'no', sentence: 'it is not dumpable, but CAP_SYS_PTRACE overrides that' }];
  }
  return [
    {
      ...finding,
      blocks: blocksUnless(passes),
      sentence:
        target.dumpable === 'no'
          ? 'it is not dumpable: it called prctl(PR_SET_DUMPABLE, 0), changed its ids, or executed a program that is set-uid, has capabilities or cannot be read'
          : 'whether it is dumpable does not show, since its files in /proc are root’s either way',
      remedy: `have it call prctl(PR_SET_DUMPABLE, 1), or ${AS_ROOT}`,
    },
  ];
}

const MOST_LISTED = 5;

function listed(names: readonly string[]): string {
  if (names.length <= MOST_LISTED) return names.join(', ');
  return `${names.slice(0, MOST_LISTED).join(', ')} and ${names.length - MOST_LISTED} more`;
}

function capabilityFinding(caller: CallerFacts, target: TargetFacts, capable: Truth): AccessFinding[] {
  if (capable === true) return [];
  const missing = capabilityNames(target.permitted & ~caller.permitted);
  if (missing.length === 0) return [];
  // Another namespace is a finding of its own.
  if (target.userNamespace !== undefined && target.userNamespace !== caller.userNamespace) return [];
  return [
    {
      kind: 'capabilities-exceed',
      by: 'kernel',
      blocks: blocksUnless(capable),
      missing,
      sentence: `it is permitted capabilities that this thread is not: ${listed(missing)}`,
      remedy: `give the tracer the same capabilities, or ${AS_ROOT}`,
    },
  ];
}

function namespaceFinding(caller: CallerFacts, target: TargetFacts, capable: Truth): AccessFinding[] {
  const { userNamespace: own } = caller;
  const { userNamespace: theirs } = target;
  if (own === undefined || theirs === undefined || own === theirs) return [];
  const finding = { kind: 'user-namespace', by: 'kernel', own, target: theirs } as const;
  const where = `it is in another user namespace (${theirs}, this thread in ${own})`;
  if (capable === true) {
    return [{ ...finding, blocks: 'no', sentence: `${where}, which is below ours: our CAP_SYS_PTRACE counts there` }];
  }
  return [
    {
      ...finding,
      blocks: blocksUnless(capable),
      sentence:
        capable === false
          ? `${where}, where no capability of this thread counts`
          : `${where}; whether this thread has CAP_SYS_PTRACE there depends on who made it`,
      remedy: `trace from inside that namespace (nsenter --user), or as root of the first one`,
    },
  ];
}

const PTRACER_REMEDY =
  'have the target call prctl(PR_SET_PTRACER, pid of the tracer or -1), start it from the tracer (tracer.spawn), trace as root, ' +
  'or set it for all: sysctl kernel.yama.ptrace_scope=0';

function yamaFinding(facts: AccessFacts, target: TargetFacts, capable: Truth): AccessFinding[] {
  const scope = facts.yamaScope;
  const { descendant } = target;
  const finding = { kind: 'yama', by: 'kernel', scope: scope ?? null, descendant } as const;
  if (scope === undefined) return [{ ...finding, blocks: 'no', sentence: 'this kernel has no Yama, or none shows' }];
  switch (scope) {
    case 0:
      return [{ ...finding, blocks: 'no', sentence: 'Yama allows what the other rules allow (scope 0)' }];
    case 1: {
      // Whom the target named by PR_SET_PTRACER no file tells.
      const passes = or(or(descendant, capable), undefined);
      return [
        {
          ...finding,
          blocks: blocksUnless(passes),
          sentence:
            passes === true
              ? `Yama allows it (scope 1): ${descendant ? 'it descends from this process' : 'this thread has CAP_SYS_PTRACE'}`
              : 'Yama (scope 1) allows tracing descendants only, and those that named their tracer by PR_SET_PTRACER; it does not descend from this process',
          ...(passes === true ? {} : { remedy: PTRACER_REMEDY }),
        },
      ];
    }
    case 2:
      return [
        {
          ...finding,
          blocks: blocksUnless(capable),
          sentence:
            capable === true
              ? 'Yama allows it (scope 2): this thread has CAP_SYS_PTRACE'
              : 'Yama (scope 2) allows tracing with CAP_SYS_PTRACE only',
          ...(capable === true ? {} : { remedy: 'trace as root, or sysctl kernel.yama.ptrace_scope=1' }),
        },
      ];
    default:
      return [
        {
          ...finding,
          blocks: 'yes',
          sentence: `Yama (scope ${scope}) allows no attach at all, and cannot be told otherwise before a reboot`,
          remedy: 'start the machine with kernel.yama.ptrace_scope below 3 (sysctl.d)',
        },
      ];
  }
}

/** What is certain whatever the rights: the state of the target. */
function stateFindings(facts: AccessFacts, target: TargetFacts): AccessFinding[] {
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

function ownFindings(facts: AccessFacts, target: TargetFacts): AccessFinding[] {
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

/** The kernel's own answer, where it is one for an attach: when the ids and capabilities that reading goes by are those of an attach. */
function kernelsAnswer(facts: AccessFacts): 'granted' | 'refused' | 'readable' | 'unknown' {
  const { caller, kernelSays } = facts;
  const comparable =
    caller.uids[0] === caller.uids[3] && caller.gids[0] === caller.gids[3] && caller.effective === caller.permitted;
  if (!comparable) return 'unknown';
  if (kernelSays.attach === 'granted') return 'granted';
  if (kernelSays.attach === 'refused' || kernelSays.read === 'refused') return 'refused';
  return kernelSays.read === 'granted' ? 'readable' : 'unknown';
}

function suspects(facts: AccessFacts, target: TargetFacts): string[] {
  const found: string[] = [];
  const { securityModules, selinux, caller } = facts;
  if (selinux?.enforcing === true) {
    found.push(`SELinux (enforcing${selinux.denyPtrace ? ', deny_ptrace is on' : ''})`);
  }
  if (selinux === undefined) {
    for (const label of confinements(caller.label, target.label)) found.push(`AppArmor (${label})`);
  }
  if (securityModules === undefined) found.push('Landlock or another security module');
  for (const name of securityModules ?? []) {
    if (['landlock', 'smack', 'tomoyo', 'bpf'].includes(name)) found.push(name);
  }
  return found;
}

function confinements(...labels: (string | undefined)[]): string[] {
  return [...new Set(labels)].filter((label): label is string => label !== undefined && label !== 'unconfined');
}

function tellsTracingFromReading({ selinux, caller }: AccessFacts, target: TargetFacts): boolean {
  return selinux === undefined ? confinements(caller.label, target.label).length > 0 : selinux.enforcing;
}

const MODULE_REMEDY =
  'look into the audit log (ausearch -m avc, dmesg); SELinux: setsebool deny_ptrace off; AppArmor: a "ptrace" rule in both profiles; ' +
  'Landlock: trace from inside the sandbox of the target or from outside of all';

function moduleFinding(facts: AccessFacts, target: TargetFacts, blocks: 'yes' | 'maybe'): AccessFinding {
  const modules = suspects(facts, target);
  const who = modules.length === 0 ? '' : `: ${modules.join(', ')}`;
  return {
    kind: 'security-module',
    by: 'kernel',
    blocks,
    modules,
    sentence:
      blocks === 'yes'
        ? `the kernel refuses although ids, capabilities and Yama allow it; a security module does so, or a user namespace that does not show${who}`
        : `a security module may refuse, and the kernel gave no answer to that${who}`,
    remedy: MODULE_REMEDY,
  };
}

/** Rules 2 to 5. */
function ruleFindings(facts: AccessFacts, target: TargetFacts, capable: Truth, onMemory: Truth): AccessFinding[] {
  return [
    ...idsFinding(facts, target, capable),
    ...dumpableFinding(target, onMemory),
    ...namespaceFinding(facts.caller, target, capable),
    ...capabilityFinding(facts.caller, target, capable),
    ...yamaFinding(facts, target, capable),
  ];
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
