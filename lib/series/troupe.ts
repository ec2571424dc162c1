/** The processes of the programs that run at this moment, so that none is left behind however this process ends. */
import { isPtraceError } from '../errors.js';
import { SIG } from '../kernel/signals.js';
import { kill, killGroup } from '../raw/index.js';
import { childrenOf } from './rest.js';

/** The processes of one program. */
export interface Troupe {
  /** The mother's pid, which is the id of the process group of all; 0 until it is known. */
  mother: number;
  /** Kills the mother's group, and the orphans that the stagehand was given, whatever group they are in. */
  kill(): void;
  /** Gives up waiting for its end: kills the stagehand. What is left goes to init. */
  abandon(): void;
  /** It is reaped: its ids belong to others from now on. */
  dismiss(): void;
}

const troupes = new Set<Troupe>();
let listening = false;

function unlessGone(send: () => void): void {
  try {
    send();
  } catch (error) {
    if (!isPtraceError(error)) throw error;
  }
}

/** Registers the processes of a program, for as long as its stagehand, a child of this process, is not reaped. */
export function enlist(stagehand: number): Troupe {
  const troupe: Troupe = {
    mother: 0,
    kill() {
      if (!troupes.has(troupe)) return;
      if (troupe.mother !== 0) unlessGone(() => killGroup(troupe.mother, SIG.SIGKILL));
      for (const child of childrenOf(stagehand)) unlessGone(() => kill(child, SIG.SIGKILL));
    },
    abandon() {
      if (!troupes.has(troupe)) return;
      unlessGone(() => kill(stagehand, SIG.SIGKILL));
    },
    dismiss() {
      troupes.delete(troupe);
    },
  };
  if (!listening) process.on('exit', endAll);
  listening = true;
  troupes.add(troupe);
  return troupe;
}

/** process.exit, an uncaught exception: there is no time left to wait for anybody. */
function endAll(): void {
  for (const troupe of troupes) {
    troupe.kill();
    troupe.abandon();
  }
}
