/**
 * The rules about rights: ids, dumpable, capabilities, Yama. Each gives a finding where it blocks, may block, or was
 * overridden.
 */
import { capabilityNames } from './capabilities.js';
import { blocksUnless, or, type Truth } from './capable.js';
import { INITIAL_USER_NAMESPACE, type AccessFacts, type CallerFacts, type TargetFacts } from './facts.js';
import type { AccessFinding } from './findings.js';

export function idsMatch(facts: AccessFacts, target: TargetFacts): Truth {
  const uid = facts.caller.uids[0];
  const gid = facts.caller.gids[0];
  const same =
    target.uids.slice(0, 3).every((each) => each === uid) && target.gids.slice(0, 3).every((each) => each === gid);
  if (!same) return false;
  // Below the first user namespace all ids without a name look like this one.
  const nameless = uid === facts.overflowUid || gid === facts.overflowGid;
  return nameless && facts.caller.userNamespace !== INITIAL_USER_NAMESPACE ? undefined : true;
}

export const AS_ROOT =
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

/** All of them. */
export function ruleFindings(
  facts: AccessFacts,
  target: TargetFacts,
  capable: Truth,
  onMemory: Truth,
): AccessFinding[] {
  return [
    ...idsFinding(facts, target, capable),
    ...dumpableFinding(target, onMemory),
    ...namespaceFinding(facts.caller, target, capable),
    ...capabilityFinding(facts.caller, target, capable),
    ...yamaFinding(facts, target, capable),
  ];
}
