/** What a process of a program is told when it starts, and how one becomes the other. */
import { fileURLToPath } from 'node:url';
import type { ChildScript } from '../raw/child.js';

export interface Cues {
  readonly role: 'mother' | 'tracer';
  readonly module: string;
  readonly name: string;
  /** Descriptor that all processes of a program print to, each line by one write(2). */
  readonly transcript: number;
  /** Descriptor by which the runner hears who is who. */
  readonly control: number;
  /** The two ends of the pipe that beats the time of the tracee. */
  readonly beatRead: number;
  readonly beatWrite: number;
  /** What every nap is multiplied with. */
  readonly pace: number;
  /** Descriptors of a tracer in waiting: it says that it is ready, then reads which tracee. -1 in the mother. */
  readonly ready: number;
  readonly orders: number;
}

const F_SETFD = 2;

const actor = fileURLToPath(new URL('./actor.js', import.meta.url));

/** The descriptors that a process needs for its part. */
export function descriptorsOf(cues: Cues): number[] {
  const all = [cues.transcript, cues.control, cues.beatRead, cues.beatWrite, cues.ready, cues.orders];
  return all.filter((fd) => fd >= 0);
}

/** Ends a script: the child goes on as a Node process that plays the part. */
export function becomeNode(script: ChildScript, cues: Cues): ChildScript {
  for (const fd of descriptorsOf(cues)) script.syscall('fcntl', fd, F_SETFD, 0);
  const environment = Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`);
  return script
    .exec(process.execPath, [process.execPath, actor, JSON.stringify(cues)], environment)
    .write(cues.transcript, `${cues.role}: cannot execute ${process.execPath}\n`)
    .exitGroup(127);
}
