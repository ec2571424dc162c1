/**
 * What a series program is: the test program of a kernel commit, retold in TypeScript, with the transcript that the commit shows.
 *
 * The parts of a program run in processes of their own. `main` is the original's main(): the mother, a Node process that blocks where the C
 * program blocks. `tracer` is what the original does behind its second fork(), another Node process. The tracee is a child that plays a
 * script (raw/child.ts). `terminal` is whoever sits at the terminal: what the commit's author did from outside, and looked at afterwards.
 * Therefore a program is named by its module: each process imports it again and plays its own part.
 */
import type { Terminal } from './terminal.js';

export const GROUPS = ['seize', 'interrupt', 'notify', 'listen', 'jobctl'] as const;

/** A subcommand of `linux-ptrace series`: one commit, or all of the job control series. */
export type Group = (typeof GROUPS)[number];

/** A transcript that holds from one kernel version on. */
export interface Edition {
  /** The first release, as '5.19'. */
  readonly since: string;
  readonly text: string;
  /** Why it differs from the one before: the kernel commit that changed it. */
  readonly because: string;
}

export interface ProgramInit {
  readonly group: Group;
  readonly name: string;
  /** The program run with an argument: the tracee gets SIGSTOP right after fork(). */
  readonly stopped?: boolean;
  /** Abbreviated id of the mainline commit. */
  readonly commit: string;
  readonly title: string;
  /**
   * Where the transcript comes from: the commit shows it; or the commit describes the behaviour (asserts it, or says it in words), and the
   * lines that tell it are ours.
   */
  readonly source: 'shown' | 'described';
  /**
   * What the program prints. Lines that begin with `#` are not the program's: they are what was seen from outside, such as the state in
   * /proc. Of several editions the newest that the running kernel has reached counts.
   */
  readonly expected: string | readonly [Edition, ...Edition[]];
  /** Takes out what differs from run to run, such as pids. Applied to what is expected, too. */
  readonly normalise?: (line: string) => string;
  /** How long the naps of the original are together, in milliseconds. Sets the deadline. */
  readonly duration: number;

  main(): void | Promise<void>;
  tracer?(tracee: number): void;
  /** The program is over when this is over; without it, when the mother has ended. */
  terminal?(terminal: Terminal): Promise<void>;
}

export interface Program extends ProgramInit {
  /** URL of the module that exports the program. */
  readonly module: string;
}

/**
 * Declares a program. It must be an export of the module that calls this.
 *
 * @param module `import.meta.url`
 */
export function program(module: string, init: ProgramInit): Program {
  return { module, ...init };
}

/** The program of a name among the exports of its module. */
export async function importProgram(module: string, name: string): Promise<Program> {
  const exported = (await import(module)) as Record<string, Program | undefined>;
  const found = Object.values(exported).find((each) => each?.module === module && each.name === name);
  if (found === undefined) throw new Error(`${module} exports no program ${name}`);
  return found;
}
