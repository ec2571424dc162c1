/** The initramfs of a guest: a base that is kept (node, its libraries, busybox), and what changes from run to run. */
import { createHash } from 'node:crypto';
import { closeSync, copyFileSync, existsSync, openSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { placeWhole } from '../whole-file.js';
import { cacheError, cacheFolder } from './cache.js';
import { CpioWriter, type Entry } from './cpio.js';
import type { GuestFile } from './fetch-system.js';
import { makeFolder } from './folder.js';
import type { GuestArch } from './guest-arch.js';
import { GUEST, INIT } from './guest-init.js';

/** The commands of busybox that the guest's scripts, the suite and a person in its shell use. */
const COMMANDS = (
  '[ ash awk basename base64 cat chmod chown clear cp cttyhack cut date dd df dirname dmesg echo env expr false find free grep gunzip gzip head hostname ' +
  'id ip kill killall less ln ls mkdir mkfifo mknod mount mv nice nohup od pidof ping poweroff printf ps pwd readlink realpath reboot reset rm rmdir sed seq ' +
  'setsid sh sha256sum sleep sort stat stty su sync sysctl tail tar tee test time timeout top touch tr true tty umount uname uniq uptime vi wc which xargs yes'
).split(' ');

const KEPT_MILLIS = 14 * 24 * 3_600_000;

/** Devices for a kernel without devtmpfs, and for the time before it is mounted. */
const DEVICES = [
  ['console', 5, 1, 0o600],
  ['null', 1, 3, 0o666],
  ['zero', 1, 5, 0o666],
  ['full', 1, 7, 0o666],
  ['random', 1, 8, 0o666],
  ['urandom', 1, 9, 0o666],
  ['tty', 5, 0, 0o666],
  ['ptmx', 5, 2, 0o666],
] as const;

const ETC: readonly Entry[] = [
  {
    kind: 'file',
    path: 'etc/passwd',
    mode: 0o644,
    content: 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n',
  },
  { kind: 'file', path: 'etc/group', mode: 0o644, content: 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n' },
  { kind: 'file', path: 'etc/hostname', mode: 0o644, content: 'guest\n' },
  { kind: 'file', path: 'etc/hosts', mode: 0o644, content: '127.0.0.1 localhost\n' },
];

/** What every guest of an architecture has. */
function baseEntries(node: string, system: readonly GuestFile[]): Entry[] {
  return [
    { kind: 'file', path: 'init', mode: 0o755, content: INIT },
    ...['proc', 'sys', 'root', 'usr', GUEST.out.slice(1), GUEST.io.slice(1)].map((path) => ({
      kind: 'folder' as const,
      path,
    })),
    { kind: 'folder', path: 'tmp', mode: 0o1777 },
    ...DEVICES.map(([name, major, minor, mode]) => ({
      kind: 'device' as const,
      path: `dev/${name}`,
      major,
      minor,
      mode,
    })),
    ...COMMANDS.map((name) => ({ kind: 'link' as const, path: `bin/${name}`, target: 'busybox' })),
    { kind: 'link', path: 'usr/bin', target: '/bin' },
    { kind: 'link', path: 'sbin', target: 'bin' },
    ...ETC,
    { kind: 'copy', path: GUEST.node.slice(1), file: node, mode: 0o755 },
    ...system.map(({ path, file, mode }) => ({ kind: 'copy' as const, path, file, mode })),
  ];
}

/** Writes an archive: it is whole or not there. */
function writeArchive(file: string, entries: readonly Entry[]): void {
  placeWhole(file, (beside) => {
    const fd = openSync(beside, 'w');
    try {
      const writer = new CpioWriter(fd);
      for (const entry of entries) writer.add(entry);
      writer.end();
    } finally {
      closeSync(fd);
    }
  });
}

/** A name for what an archive is made of: files are told apart by place, size and time. */
function fingerprint(entries: readonly Entry[]): string {
  const hash = createHash('sha256');
  for (const entry of entries) {
    hash.update(JSON.stringify(entry));
    if (entry.kind !== 'copy') continue;
    const { size, mtimeMs } = statSync(entry.file);
    hash.update(`${size} ${mtimeMs}`);
  }
  return hash.digest('hex').slice(0, 16);
}

/** Those that nobody has used for long go: each is as large as node is. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    try {
      if (Date.now() - statSync(file).mtimeMs > KEPT_MILLIS) rmSync(file, { force: true });
    } catch {
      // Another run was quicker.
    }
  }
}

/**
 * The base archive of an architecture and a node, from the cache when it is there.
 *
 * @throws VmError `no-space`, `bad-input` when the cache does not take it
 */
export function baseArchive(arch: GuestArch, node: string, system: readonly GuestFile[]): string {
  const entries = baseEntries(node, system);
  const folder = join(cacheFolder(), 'images');
  const file = join(folder, `${arch}-${fingerprint(entries)}.cpio`);
  try {
    makeFolder(folder);
    if (existsSync(file)) utimesSync(file, new Date(), new Date());
    else {
      sweep(folder);
      writeArchive(file, entries);
    }
  } catch (error) {
    throw cacheError(folder, error);
  }
  return file;
}

/**
 * Writes an initramfs: the base and what this run adds. Not compressed: the kernel takes longer to unpack one than to copy it.
 *
 * @throws what node:fs throws when a file cannot be read or the image not be written (ENOSPC)
 */
export function writeInitramfs(file: string, base: string, entries: readonly Entry[]): void {
  copyFileSync(base, file);
  const fd = openSync(file, 'a');
  try {
    const writer = new CpioWriter(fd);
    for (const entry of entries) writer.add(entry);
    writer.end();
  } finally {
    closeSync(fd);
  }
}
