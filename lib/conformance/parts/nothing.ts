/** What there is not. */

/** A tid that no process can have: PID_MAX_LIMIT is 2^22. */
export const NO_SUCH_TID = 0x7ffffffe;

/** An address that no process has in its memory: the last page of the kernel's half. */
export const KERNEL_ADDRESS = 0xffff_ffff_ffff_f000n;
