/** The suites and probes of programs that trace: strace, rr, gdb, CRIU. */
import type { Scenario } from '../../scenario.js';
import { rrMachine } from '../arch/x64/rr-machine.js';
import { criu } from './criu.js';
import { gdb } from './gdb.js';
import { rrAttach } from './rr-attach.js';
import { rrCalls } from './rr-calls.js';
import { straceAttach } from './strace-attach.js';
import { straceRun } from './strace-run.js';

export const others: readonly Scenario[] = [
  ...straceAttach,
  ...straceRun,
  ...rrAttach,
  ...rrCalls,
  ...rrMachine,
  ...gdb,
  ...criu,
];
