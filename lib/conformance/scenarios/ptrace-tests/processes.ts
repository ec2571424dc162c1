/** The parts of Red Hat's ptrace-tests that are about processes: attach, stop and detach; signals; fork, clone, execve and the end. */
import type { Scenario } from '../../scenario.js';
import { attach } from './attach.js';
import { clone } from './clone.js';
import { detach } from './detach.js';
import { end } from './end.js';
import { signals } from './signals.js';

export const processTests: readonly Scenario[] = [...attach, ...detach, ...signals, ...clone, ...end];
