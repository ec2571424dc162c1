/** Security modules: which of them may be the reason of a refusal that nothing else explains. */
import type { AccessFacts, TargetFacts } from './facts.js';
import type { AccessFinding } from './findings.js';

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

export function tellsTracingFromReading({ selinux, caller }: AccessFacts, target: TargetFacts): boolean {
  return selinux === undefined ? confinements(caller.label, target.label).length > 0 : selinux.enforcing;
}

const MODULE_REMEDY =
  'look into the audit log (ausearch -m avc, dmesg); SELinux: setsebool deny_ptrace off; AppArmor: a "ptrace" rule in both profiles; ' +
  'Landlock: trace from inside the sandbox of the target or from outside of all';

export function moduleFinding(facts: AccessFacts, target: TargetFacts, blocks: 'yes' | 'maybe'): AccessFinding {
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
