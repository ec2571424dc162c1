import type { HostArch } from '../../kernel/arch/host.js';
import type { ArchProbe } from '../arch-probe.js';
import { arm64 } from './arm64/index.js';
import { x64 } from './x64/index.js';

const probes: Readonly<Record<HostArch, ArchProbe>> = { x64, arm64 };

export function archProbe(arch: HostArch): ArchProbe {
  return probes[arch];
}
