/** The architectures that a guest may have, by the names that Node gives them. */
export const GUEST_ARCHS = ['x64', 'arm64'] as const;

export type GuestArch = (typeof GUEST_ARCHS)[number];

/** Debian's names for them. */
export const debianArch: Readonly<Record<GuestArch, string>> = { x64: 'amd64', arm64: 'arm64' };
