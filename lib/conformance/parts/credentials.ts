/** Processes of other users and with other rights, for the checks of who may trace whom. */
import { PTRACE } from '../../kernel/requests.js';
import type { ChildScript, Part } from '../../raw/child.js';
import type { Actor } from '../actor.js';
import type { Stage } from '../stage.js';
import { dismiss, helper } from './helper-process.js';
import { ask } from './script-requests.js';

/** Two users, and groups, that own nothing. */
export const NOBODY = 65534;
export const OTHER = 65533;

export const CAP = { CHOWN: 0, SYS_PTRACE: 19 } as const;

const PR_SET_DUMPABLE = 4;
const PR_SET_KEEPCAPS = 8;
/** _LINUX_CAPABILITY_VERSION_3. Source: uapi/linux/capability.h. */
const CAPABILITY_VERSION = 0x20080522;

/** Real, effective and saved id, or one for all three. */
export type Ids = number | readonly [real: number, effective: number, saved: number];

export interface Credentials {
  readonly uid?: Ids;
  readonly gid?: Ids;
  /** Default true. A change of user makes it false. */
  readonly dumpable?: boolean;
  /** What it may still use of root's capabilities; those that it only could use are permitted. */
  readonly permitted?: readonly number[];
  readonly effective?: readonly number[];
}

const three = (ids: Ids): readonly [number, number, number] => (typeof ids === 'number' ? [ids, ids, ids] : ids);
const bits = (capabilities: readonly number[]): number => capabilities.reduce((all, bit) => all | (1 << bit), 0);

/** In a script of root: becomes somebody else. */
export function become(c: ChildScript, credentials: Credentials): void {
  const { uid = NOBODY, gid = NOBODY, dumpable = true, permitted, effective = [] } = credentials;
  if (permitted !== undefined) c.prctl(PR_SET_KEEPCAPS, 1);
  c.syscall('setresgid', ...three(gid)).syscall('setresuid', ...three(uid));
  if (permitted !== undefined) {
    const header = new Uint8Array(new Uint32Array([CAPABILITY_VERSION, 0]).buffer);
    const data = new Uint8Array(new Uint32Array([bits(effective), bits(permitted), 0, 0, 0, 0]).buffer);
    c.syscall('capset', header, data).store('capset');
  }
  // A change of user undoes both.
  if (dumpable) setDumpable(c, true);
  c.dieWithParent();
}

/** In a script: gives up all privileges, but may be traced by others of the same user. A user who has none keeps what he is. */
export function unprivileged(c: ChildScript): void {
  if (process.geteuid?.() === 0) become(c, {});
}

/** In a script: whether others of the same user may look at it. */
export function setDumpable(c: ChildScript, dumpable: boolean): void {
  c.prctl(PR_SET_DUMPABLE, dumpable ? 1 : 0);
}

/** A sleeper with these credentials, that Yama does not protect. */
export function sleeper(s: Stage, name: string, credentials: Credentials): Actor {
  const actor = s.child(name, (c) => {
    become(c, credentials);
    c.setPtracerAny()
      .store('ready', 1)
      .loop((again) => again.pause());
  });
  actor.untilSet('ready');
  return actor;
}

/** Somebody with these credentials plays a part, whose results words tell, and ends. */
export function somebody(
  s: Stage,
  name: string,
  credentials: Credentials | undefined,
  part: Part,
  ...words: string[]
): void {
  const t = helper(s, name, (c) => {
    if (credentials !== undefined) become(c, credentials);
    part(c);
  });
  for (const word of words) t.result(word);
  dismiss(t);
}

/** Somebody with these credentials tries to seize a process, and lets it go again by ending. */
export function seizedBy(s: Stage, name: string, credentials: Credentials | undefined, target: Actor): void {
  somebody(
    s,
    name,
    credentials,
    (c) => {
      ask(c, 'SEIZE', PTRACE.SEIZE, target.tid);
    },
    'SEIZE',
  );
}
