/** The parts of Red Hat's ptrace-tests that are about processes: attach, stop and detach; signals; fork, clone, execve and the end. */
import type { Scenario } from '../../scenario.js';
import { attach } from './attach.js';

export const processTests: readonly Scenario[] = [...attach];
