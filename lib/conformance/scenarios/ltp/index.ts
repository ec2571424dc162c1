/** The Linux Test Project's tests of ptrace(2). */
import type { Scenario } from '../../scenario.js';
import { ltpRegisters } from '../arch/x64/ltp-registers.js';
import { badAddresses } from './bad-addresses.js';
import { signalsAndRights } from './signals-and-rights.js';

export const ltp: readonly Scenario[] = [...signalsAndRights, ...badAddresses, ...ltpRegisters];
