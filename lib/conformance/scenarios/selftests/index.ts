/** The kernel's own tests: ptrace, seccomp, and the register sets of arm64. */
import type { Scenario } from '../../scenario.js';
import { arm64Regsets } from '../arch/arm64/selftests-regsets.js';
import { systemCalls } from '../arch/arm64/selftests-system-calls.js';
import { vectors } from '../arch/arm64/selftests-vectors.js';
import { peeksiginfo } from './peeksiginfo.js';
import { seccompFilters } from './seccomp-filters.js';
import { seccompStops } from './seccomp-stops.js';
import { seccompTrace } from './seccomp-trace.js';
import { setSyscallInfoErrors } from './set-syscall-info-errors.js';
import { setSyscallInfo } from './set-syscall-info.js';
import { syscallInfo } from './syscall-info.js';
import { userDispatch } from './user-dispatch.js';

export const selftests: readonly Scenario[] = [
  ...syscallInfo,
  ...setSyscallInfo,
  ...setSyscallInfoErrors,
  ...peeksiginfo,
  ...userDispatch,
  ...seccompTrace,
  ...seccompStops,
  ...seccompFilters,
  ...systemCalls,
  ...arm64Regsets,
  ...vectors,
];
