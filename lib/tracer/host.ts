import { hostArch, type HostArch } from '../kernel/arch/host.js';

/** The architecture this runs on. Where it is none that is known, nothing is ever traced, and it does not matter. */
export const HOST: HostArch = hostArch(process.arch) ?? 'x64';
