/** The two patch series of 2011: job control and ptrace, then SEIZE, INTERRUPT and LISTEN. */
import type { Scenario } from '../../scenario.js';
import { attachStopped } from './attach-stopped.js';
import { autoAttach } from './auto-attach.js';
import { detach } from './detach.js';
import { groupStop } from './group-stop.js';
import { interrupt } from './interrupt.js';
import { listen } from './listen.js';
import { groupStopNotification } from './notify.js';
import { realParent } from './real-parent.js';
import { seize } from './seize.js';
import { waitZombies } from './wait-zombies.js';

export const series: readonly Scenario[] = [
  ...groupStop,
  ...attachStopped,
  ...detach,
  ...realParent,
  ...waitZombies,
  ...seize,
  ...interrupt,
  ...groupStopNotification,
  ...listen,
  ...autoAttach,
];
