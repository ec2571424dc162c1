/**
 * Where a capability counts: in the own user namespace and in those below it; and whoever owns a namespace has all of
 * them in it when he is in the one right above. Source: cap_capable; user_namespaces(7).
 */
import { CAP_SYS_PTRACE } from './capabilities.js';
import type { Blocks } from './findings.js';
import { INITIAL_USER_NAMESPACE, type CallerFacts, type TargetFacts } from './facts.js';

/** Undefined: it cannot be known from here. */
export type Truth = boolean | undefined;

export function or(a: Truth, b: Truth): Truth {
  if (a === true || b === true) return true;
  return a === false && b === false ? false : undefined;
}

export function blocksUnless(passes: Truth): Blocks {
  if (passes === undefined) return 'maybe';
  return passes ? 'no' : 'yes';
}

export const hasCapability = (caller: CallerFacts): boolean => (caller.effective & CAP_SYS_PTRACE) !== 0n;

/** Whether the caller has CAP_SYS_PTRACE in a user namespace; undefined for one that may not be read. */
export function capableIn(caller: CallerFacts, namespace: string | undefined): Truth {
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
 * Whether the caller has CAP_SYS_PTRACE in the user namespace of the target's memory: that of the target, or one above
 * it, for a process that entered a namespace and has not executed a program there.
 */
export function capableOnMemory(caller: CallerFacts, target: TargetFacts): Truth {
  const inTargets = capableIn(caller, target.userNamespace);
  if (caller.userNamespace === INITIAL_USER_NAMESPACE || inTargets === false) return inTargets;
  return undefined;
}
