/** The machine architectures a tracer can run on, by Node's own names (`process.arch`). */
export type HostArch = 'x64' | 'arm64';

/**
 * The system call interfaces a tracee can use. One tracee may change its ABI from call to call (an x86-64 program may
 * use `int 0x80`), so an ABI belongs to a system call or to a register set, not to a process.
 */
export type Abi = 'x86_64' | 'x32' | 'i386' | 'aarch64' | 'arm';

/**
 * The architecture that a `process.arch` string names, or undefined where this package has no knowledge of the machine.
 *
 * @param processArch the value of `process.arch`, or the machine name of uname(2)
 */
export function hostArch(processArch: string): HostArch | undefined {
  switch (processArch) {
    case 'x64':
    case 'x86_64':
      return 'x64';
    case 'arm64':
    case 'aarch64':
      return 'arm64';
    default:
      return undefined;
  }
}
