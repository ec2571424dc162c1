/** All series programs, in the order of `series all`. */
import type { Program } from './program.js';
import { interrupt, interruptStopped } from './programs/interrupt.js';
import { listening } from './programs/listen.js';
import { notify } from './programs/notify.js';
import { seize, seizeStopped } from './programs/seize.js';

export const catalogue: readonly Program[] = [seize, seizeStopped, interrupt, interruptStopped, notify, listening];
