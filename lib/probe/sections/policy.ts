/** What this thread may do, what the machine's policy is, and what becomes of the tries that policies are about. */
import { readFileSync } from 'node:fs';
import { PTRACE } from '../../kernel/requests.js';
import { FIRST_NAMESPACE, procNamespace, procStatus } from '../../proc.js';
import { type ChildScript, result, script } from '../../raw/child.js';
import { policyIds } from '../catalogue.js';
import type { Lab } from '../lab.js';
import { failed, no, type Notes, type Outcome, yes } from '../notes.js';
import type { Section } from '../section.js';

const CAP_SYS_PTRACE = 19n;
const CAP_SYS_ADMIN = 21n;
const KILLED = 255;

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

const scopes = ['no restriction', 'descendants and PR_SET_PTRACER only', 'CAP_SYS_PTRACE only', 'no attach at all'];

function settings(notes: Notes): void {
  const status = procStatus('thread-self');
  const capabilities = status?.capEff ?? 0n;
  const holds = (id: string, bit: bigint, name: string): void => {
    const held = (capabilities & (1n << bit)) !== 0n;
    notes.set(id, held ? yes(`this thread has ${name}`) : no(`this thread does not have ${name}`), { value: held });
  };
  holds('policy.cap-sys-ptrace', CAP_SYS_PTRACE, 'CAP_SYS_PTRACE');
  holds('policy.cap-sys-admin', CAP_SYS_ADMIN, 'CAP_SYS_ADMIN');
  const namespace = procNamespace('thread-self', 'user');
  notes.set(
    'policy.user-namespace',
    namespace === FIRST_NAMESPACE.user
      ? yes('the first user namespace')
      : no('not in the first user namespace: rights end at its border'),
    { value: namespace === FIRST_NAMESPACE.user },
  );
  const mode = status?.seccomp ?? 0;
  notes.set('policy.seccomp', mode === 0 ? yes('no filter on this thread') : no('a seccomp filter is on this thread'), {
    value: mode,
  });
  const scope = readText('/proc/sys/kernel/yama/ptrace_scope');
  notes.set(
    'policy.yama',
    scope === undefined ? no('this kernel has no Yama') : yes(`scope ${scope}: ${scopes[Number(scope)] ?? 'unknown'}`),
    scope === undefined ? {} : { value: Number(scope) },
  );
  const modules = readText('/sys/kernel/security/lsm');
  notes.set(
    'policy.security-modules',
    modules === undefined ? no('securityfs is not mounted: they do not show') : yes(modules.replaceAll(',', ', ')),
    modules === undefined ? {} : { value: modules },
  );
}

/** A part that seizes a process and exits with the errno. */
const seizer = (s: ChildScript): ChildScript =>
  s.syscall('ptrace', PTRACE.SEIZE, result, 0, 0).compute(0, 'subtract', result).exitGroup(result);

/** Waits for the child whose pid is the result, and puts its exit code there. */
const exitCodeOf = (s: ChildScript): ChildScript =>
  s
    .wait4(result)
    .compute(s.status, 'and', 0x7f)
    .when(result, '!=', 0, (killed) => killed.exitGroup(KILLED))
    .compute(s.status, 'shiftRight', 8);

function outcomeOfExit(lab: Lab, part: ChildScript): Outcome {
  const { pid } = lab.start(part);
  const end = lab.await(pid, 'PTRACE_SEIZE');
  if (end.kind !== 'exited' || end.code === KILLED) return no('whoever tried was killed');
  return end.code === 0 ? yes('is allowed') : failed(end.code);
}

export const policy: Section = {
  ids: policyIds,
  run(lab, notes) {
    settings(notes);
    const child = script();
    exitCodeOf(child.fork((s) => seizer(s.dieWithParent().syscall('getppid')))).exitGroup(result);
    notes.try('policy.trace-parent', () => outcomeOfExit(lab, child));

    const parent = script();
    parent.fork((s) => s.dieWithParent().loop((p) => p.pause())).store('first');
    exitCodeOf(parent.fork((s) => seizer(s.dieWithParent().load('first')))).store('code');
    parent.kill(parent.word('first'), 'SIGKILL').wait4(parent.word('first')).exitGroup(parent.word('code'));
    notes.try('policy.trace-sibling', () => outcomeOfExit(lab, parent));
  },
};
