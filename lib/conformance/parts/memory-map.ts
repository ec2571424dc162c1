/** What mmap(2) takes. Source: uapi/asm-generic/mman-common.h, uapi/linux/mman.h. */

export const PROT = { NONE: 0, READ: 1, WRITE: 2, EXEC: 4 } as const;

export const MAP = { SHARED: 1, PRIVATE: 2, ANONYMOUS: 0x20 } as const;

export const READ_WRITE = PROT.READ | PROT.WRITE;
export const PRIVATE_ANONYMOUS = MAP.PRIVATE | MAP.ANONYMOUS;

/** No machine has larger pages. */
export const LARGEST_PAGE = 0x10000;
