/** What runs first in the guest, and what it runs: scripts for busybox. */
import { posix } from 'node:path';

/** Begins each line of the guest that is meant for the runner. */
export const MARK = '@linux-ptrace';

/** Places in the guest. */
export const GUEST = {
  node: '/bin/node',
  package: '/opt/linux-ptrace',
  /** Where the command runs; what it leaves there is brought back. */
  out: '/out',
  /** What it printed, and its exit code. */
  io: '/io',
  /** The disk that takes the result: QEMU's, or that of User-mode Linux. */
  disks: ['/dev/nvme0n1', '/dev/ubda'],
} as const;

/**
 * Process 1. A kernel that lacks what nothing can go without says so and is done; what only some scenarios need may be missing.
 *
 * The result goes to the disk where the kernel has the driver for it, else over the console. Its length and its hash go over the console last:
 * without them it is not whole.
 */
export const INIT = `#!/bin/busybox sh
export PATH=/bin HOME=/ TERM=linux
say() { echo "${MARK} $*"; }
end() { sync; poweroff -f; }
mount -t proc proc /proc || { say lacks CONFIG_PROC_FS; end; }
# Without devtmpfs, the devices of the archive serve.
mount -t devtmpfs dev /dev 2>/dev/null
mount -t sysfs sys /sys 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts 2>/dev/null
mount -t tmpfs tmpfs /tmp 2>/dev/null
mount -t tmpfs tmpfs /dev/shm 2>/dev/null
mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
ip link set lo up 2>/dev/null
# Only an emergency of the kernel may stand between the lines of the result.
dmesg -n 1 2>/dev/null
say up $(uname -r)
sh /run.sh
say done
tar -C / -czf /result.tar.gz ${posix.relative('/', GUEST.io)} ${posix.relative('/', GUEST.out)} || { say full; end; }
size=$(wc -c </result.tar.gz)
hash=$(sha256sum </result.tar.gz | cut -d ' ' -f 1)
for disk in ${GUEST.disks.join(' ')}; do
  [ -b $disk ] && cat /result.tar.gz >$disk && sync && say result disk $size $hash && end
done
base64 </result.tar.gz
say result console $size $hash
end
`;

/** A word for sh, as it is. */
const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

export interface GuestCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Names under /proc/sys with slashes or dots, and what is written there first. */
  readonly sysctls: Readonly<Record<string, string>>;
}

const preparation = ({ env, sysctls }: GuestCommand): string[] => [
  ...Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)}`),
  ...Object.entries(sysctls).map(
    ([name, value]) =>
      `echo ${quoted(value)} >/proc/sys/${name.replaceAll('.', '/')} || echo "${MARK} refused ${name}"`,
  ),
  `cd ${GUEST.out}`,
];

/** The script of a command: its output is kept, and its standard error is on the console, too. */
export function commandScript(command: GuestCommand): string {
  const { out: _, io } = GUEST;
  return [
    ...preparation(command),
    `{ ${command.argv.map(quoted).join(' ')} </dev/null >${io}/stdout; echo $? >${io}/code; } 2>&1 | tee ${io}/stderr`,
    '',
  ].join('\n');
}

/** The script of a shell for a person, with the command in PATH. */
export function shellScript(command: Omit<GuestCommand, 'argv'>): string {
  return [
    ...preparation({ ...command, argv: [] }),
    'echo "linux-ptrace is in PATH; files left in this folder are brought back; exit or ^D ends the machine, ^A x cuts it off"',
    `setsid cttyhack sh -i`,
    `echo $? >${GUEST.io}/code`,
    `: >${GUEST.io}/stdout`,
    `: >${GUEST.io}/stderr`,
    '',
  ].join('\n');
}
