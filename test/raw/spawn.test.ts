import { spawn as spawnNode } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  chmodSync,
  constants,
  existsSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, it } from 'vitest';
import { binding } from '../../lib/binding.js';
import { PtraceError } from '../../lib/errors.js';
import { ERRNO } from '../../lib/kernel/errno.js';
import { PERSONALITY, RLIMIT, RLIM_INFINITY, spawnHeld, type SpawnOptions } from '../../lib/raw/spawn.js';
import { root } from '../helpers/dist.js';
import { spawnStacks } from '../helpers/mappings.js';
import { limit } from '../helpers/scale.js';
import { end, nap, stateOf, until, waitEnd } from './ends.js';

const O_CLOEXEC = 0o2000000;
const folder = mkdtempSync(join(tmpdir(), 'linux-ptrace-spawn-'));
const nullDevice = openSync('/dev/null', 'r');

afterAll(() => {
  closeSync(nullDevice);
  rmSync(folder, { recursive: true });
});

function pipe(): [read: number, write: number] {
  const ends = new Int32Array(2);
  expect(binding().pipe(ends)).toBe(0);
  return [ends[0] ?? -1, ends[1] ?? -1];
}

function readAll(fd: number): string {
  const chunks: Buffer[] = [];
  const chunk = Buffer.alloc(65536);
  for (let length = readSync(fd, chunk); length > 0; length = readSync(fd, chunk)) {
    chunks.push(Buffer.from(chunk.subarray(0, length)));
  }
  closeSync(fd);
  return Buffer.concat(chunks).toString();
}

/** Spawns, releases, reads all of standard output, and reaps. */
function outputOf(options: SpawnOptions): { output: string; status: number; pid: number } {
  const [read, write] = pipe();
  const child = spawnHeld({ descriptors: [0, write, 2], ...options });
  closeSync(write);
  child.release();
  const output = readAll(read);
  const status = waitEnd(child.pid);
  expect(child.outcome()).toBeNull();
  child.free();
  return { output, status, pid: child.pid };
}

function shell(command: string, options: Partial<SpawnOptions> = {}): string {
  const { output, status } = outputOf({ file: '/bin/sh', args: ['-c', command], ...options });
  expect(status).toBe(0);
  return output;
}

/** A field of /proc/self/status as a program sees it that does nothing else. */
function statusField(field: string, options: Partial<SpawnOptions> = {}): string | undefined {
  const { output } = outputOf({ file: '/bin/cat', args: ['/proc/self/status'], ...options });
  return output
    .split('\n')
    .find((line) => line.startsWith(`${field}:`))
    ?.slice(field.length + 1)
    .trim();
}

function failure(options: SpawnOptions): unknown {
  const child = spawnHeld(options);
  child.release();
  expect(waitEnd(child.pid)).toBe(127 << 8);
  const outcome = child.outcome();
  child.free();
  expect(child.outcome()).toEqual(outcome);
  return outcome;
}

function refusal(options: unknown): PtraceError {
  try {
    spawnHeld(options as SpawnOptions);
  } catch (error) {
    if (error instanceof PtraceError) return error;
  }
  throw new Error('not refused');
}

/** Lines of BPF: struct sock_filter. */
function filter(...lines: [code: number, jt: number, jf: number, k: number][]): Uint8Array {
  const bytes = Buffer.alloc(8 * lines.length);
  for (const [index, [code, jt, jf, k]] of lines.entries()) {
    bytes.writeUInt16LE(code, 8 * index);
    bytes.writeUInt8(jt, 8 * index + 2);
    bytes.writeUInt8(jf, 8 * index + 3);
    bytes.writeUInt32LE(k, 8 * index + 4);
  }
  return bytes;
}

describe('a held child', () => {
  it('waits until it is released', () => {
    const child = spawnHeld({ file: '/bin/true' });
    until('it sleeps', () => stateOf(child.pid) === 'S');
    expect(readFileSync(`/proc/${child.pid}/comm`, 'latin1')).toBe(readFileSync('/proc/thread-self/comm', 'latin1'));
    child.release();
    expect(waitEnd(child.pid)).toBe(0);
    expect(child.outcome()).toBeNull();
    child.free();
    child.free();
  });

  it('can be cancelled', () => {
    const child = spawnHeld({ file: '/bin/true' });
    child.cancel();
    expect(waitEnd(child.pid)).toBe(127 << 8);
    expect(child.outcome()).toEqual({ stage: 'cancel', errno: ERRNO.ECANCELED });
    child.free();
  });

  it('moves once', () => {
    const child = spawnHeld({ file: '/bin/true' });
    child.release();
    for (const again of [child.release.bind(child), child.cancel.bind(child)]) {
      expect(again).toThrow(expect.objectContaining({ name: 'PtraceError', reason: 'used-up' }) as Error);
    }
    waitEnd(child.pid);
    child.free();
    expect(() => {
      child.release();
    }).toThrow(expect.objectContaining({ reason: 'used-up' }) as Error);
  });

  it('keeps its memory until it has executed or died', () => {
    const child = spawnHeld({ file: '/bin/true' });
    expect(() => {
      child.free();
    }).toThrow(expect.objectContaining({ reason: 'running', code: 'EBUSY' }) as Error);
    end(child.pid);
    expect(child.outcome()).toBeNull();
    child.free();
  });

  it('has all signals blocked, so that no handler of Node runs in it', () => {
    const child = spawnHeld({ file: '/bin/true' });
    until('it sleeps', () => stateOf(child.pid) === 'S');
    const status = readFileSync(`/proc/${child.pid}/status`, 'latin1');
    expect(/^SigBlk:\s*([0-9a-f]+)$/m.exec(status)?.[1]).toBe('fffffffffffbfeff');
    end(child.pid);
    child.free();
  });

  it('is told as EVENT_EXEC first when it was seized', () => {
    const PTRACE_SEIZE = 0x4206;
    const PTRACE_CONT = 7;
    const TRACEEXEC_AND_EXITKILL = 0x100010;
    const child = spawnHeld({ file: '/bin/true' });
    const addon = binding();
    expect(addon.ptrace(PTRACE_SEIZE, child.pid, 0, TRACEEXEC_AND_EXITKILL)).toBe(0);
    child.release();
    const status = new Int32Array(1);
    expect(addon.wait4(child.pid, 0x40000000, status, null)).toBe(child.pid);
    expect(status[0]).toBe(0x4057f);
    child.free();
    expect(addon.ptrace(PTRACE_CONT, child.pid, 0, 0)).toBe(0);
    expect(waitEnd(child.pid)).toBe(0);
  });

  it('dies with this process', { timeout: limit(20_000) }, async () => {
    const code = `
      const addon = require(${JSON.stringify(createRequire(import.meta.url).resolve('node-gyp-build'))})(${JSON.stringify(root)});
      const pid = addon.spawn(${planText({ file: '/bin/sleep', argv: ['sleep', '1000'] })});
      console.log(pid);
      setInterval(() => {}, 1000);
    `;
    const node = spawnNode(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(node.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    expect(stateOf(pid)).toMatch(/^[SR]$/);
    node.kill('SIGKILL');
    await once(node, 'exit');
    until('the child is gone', () => [undefined, 'Z', 'X'].includes(stateOf(pid)));
  });

  it('dies with its Worker', { timeout: limit(20_000) }, async () => {
    const worker = new Worker(
      `
      const { parentPort, workerData } = require('node:worker_threads');
      const addon = require(workerData.loader)(workerData.root);
      parentPort.postMessage(addon.spawn(${planText({ file: '/bin/sleep', argv: ['sleep', '1000'] })}));
      setInterval(() => {}, 1000);
    `,
      { eval: true, workerData: { loader: createRequire(import.meta.url).resolve('node-gyp-build'), root } },
    );
    const [pid] = (await once(worker, 'message')) as [number];
    expect(stateOf(pid)).toMatch(/^[SR]$/);
    await worker.terminate();
    // Killed and reaped, not left as a zombie.
    until('the child is reaped', () => stateOf(pid) === undefined);
  });
});

/** A plan as source text for a script that has only the addon. */
function planText(of: { file: string; argv: string[] }): string {
  return `{
    file: ${JSON.stringify(of.file)}, argv: ${JSON.stringify(of.argv)}, env: [], cwd: null, fds: Int32Array.of(0, 1, 2), ttyFd: -1, session: false,
    pgid: -1, umask: -1, affinity: null, rlimits: new BigUint64Array(0), personality: -1, uid: -1, gid: -1, groups: null, noNewPrivs: false,
    seccomp: null, seccompFlags: 0, signalMask: 0n, resetIgnored: false, keepDeathSignal: false,
  }`;
}

describe('what the program finds', () => {
  it('its arguments, with an argv0 of its own', () => {
    // Not cat: where that is busybox its name has to be that of an applet.
    const { output } = outputOf({ file: process.execPath, argv0: 'a name', args: ['-p', 'process.argv0'] });
    expect(output).toBe('a name\n');
    const empty = outputOf({ file: '/bin/sh', args: ['-c', 'printf "<%s>" "$@"', 'name', '', 'ü', 'a b'] });
    expect(empty.output).toBe('<><ü><a b>');
  });

  it('exactly the environment', () => {
    const { output } = outputOf({
      file: '/bin/cat',
      args: ['/proc/self/environ'],
      env: { A: '1', B: undefined, EMPTY: '', PATH: '/bin', Ü: 'ä=b' },
    });
    expect(output).toBe('A=1\0EMPTY=\0PATH=/bin\0Ü=ä=b\0');
    expect(outputOf({ file: '/bin/cat', args: ['/proc/self/environ'], env: {} }).output).toBe('');
  });

  it("this process's environment by default", () => {
    process.env['LINUX_PTRACE_SPAWN_TEST'] = 'here';
    expect(shell('echo $LINUX_PTRACE_SPAWN_TEST')).toBe('here\n');
    delete process.env['LINUX_PTRACE_SPAWN_TEST'];
  });

  it('a long argument list', () => {
    const args = Array.from({ length: 5000 }, (_, index) => `argument ${index}`);
    const { output } = outputOf({ file: '/bin/sh', args: ['-c', 'echo $#; echo "${5000}"', 'sh', ...args] });
    expect(output).toBe('5000\nargument 4999\n');
  });

  it('its working directory, for a relative path as well', () => {
    expect(shell('pwd', { cwd: folder })).toBe(`${folder}\n`);
    const { output } = outputOf({ file: './sh', args: ['-c', 'pwd'], cwd: '/bin' });
    expect(output.trim()).toMatch(/bin$/);
  });

  it('its program along PATH of the environment that it gets', () => {
    const early = mkdtempSync(join(folder, 'early-'));
    const late = mkdtempSync(join(folder, 'late-'));
    writeFileSync(join(early, 'tool'), 'not executable');
    writeFileSync(join(late, 'tool'), '#!/bin/sh\necho late "$0"\n');
    chmodSync(join(late, 'tool'), 0o755);
    const env = { PATH: `${early}:${late}:/bin` };
    expect(outputOf({ file: 'tool', env }).output).toBe(`late ${late}/tool\n`);
    // A relative entry counts from the child's directory.
    expect(outputOf({ file: 'tool', cwd: late, env: { PATH: '' } }).output).toBe('late ./tool\n');
    expect(refusal({ file: 'tool', env: { PATH: early } })).toMatchObject({ reason: 'exec-failed', code: 'EACCES' });
    expect(refusal({ file: 'tool', env: { PATH: '/nowhere' } })).toMatchObject({
      reason: 'exec-failed',
      code: 'ENOENT',
    });
  });

  it('its descriptors, whatever the permutation', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const files = names.map((name) => {
      const path = join(folder, name);
      writeFileSync(path, name);
      return openSync(path, constants.O_RDONLY | O_CLOEXEC);
    });
    const [a = -1, b = -1, c = -1, d = -1, e = -1] = files;
    const [read, write] = pipe();
    // Sources that are themselves targets, a swap, a cycle, a duplicate, a hole, one that stays in its place.
    const width = Math.max(...files, write) + 1;
    const descriptors = new Array<number | null>(width).fill(null);
    const wanted = new Map<number, string>();
    const put = (target: number, source: number, name: string): void => {
      descriptors[target] = source;
      wanted.set(target, name);
    };
    put(a, b, 'b');
    put(b, a, 'a');
    put(c, d, 'd');
    put(d, e, 'e');
    put(e, c, 'c');
    put(0, a, 'a');
    put(2, a, 'a');
    descriptors[1] = write;
    descriptors[write] = write;
    // readlink through ls would open descriptors of its own: the shell only asks for the names. That of busybox takes one at a time.
    const links = [...wanted.keys()].map((fd) => `readlink /proc/$$/fd/${fd}`).join('; ');
    const child = spawnHeld({ file: '/bin/sh', args: ['-c', links], descriptors });
    closeSync(write);
    child.release();
    const output = readAll(read);
    expect(waitEnd(child.pid)).toBe(0);
    child.free();
    expect(output.trim().split('\n')).toEqual([...wanted.values()].map((name) => join(folder, name)));
    for (const fd of files) closeSync(fd);
  });

  it('no descriptor beyond those it was given', () => {
    const child = spawnHeld({ file: '/bin/sleep', args: ['1000'], descriptors: [null, nullDevice, null, nullDevice] });
    child.release();
    until(
      'it sleeps',
      () => readFileSync(`/proc/${child.pid}/comm`, 'latin1') === 'sleep\n' && stateOf(child.pid) === 'S',
    );
    // The test runner's own pipes have no close-on-exec flag and stay, as for every child of Node.
    const open = readdirSync(`/proc/${child.pid}/fd`).map(Number);
    end(child.pid);
    child.free();
    expect(open.filter((fd) => fd < 4)).toEqual([1, 3]);
    const inheritable = readdirSync('/proc/self/fdinfo')
      .map(Number)
      .filter((fd) => fd > 3 && !closesOnExec(fd));
    expect(open.filter((fd) => fd > 3 && !inheritable.includes(fd))).toEqual([]);
  });

  it('a session, a process group, or those of this process', () => {
    const ids = (options: Partial<SpawnOptions>): { pid: number; pgrp: number; session: number } => {
      const { output, pid } = outputOf({ file: '/bin/cat', args: ['/proc/self/stat'], ...options });
      const fields = output.slice(output.lastIndexOf(')') + 2).split(' ');
      return { pid, pgrp: Number(fields[2]), session: Number(fields[3]) };
    };
    const mine = ids({});
    expect(mine.pgrp).not.toBe(mine.pid);
    const leader = ids({ processGroup: 'own' });
    expect(leader).toMatchObject({ pgrp: leader.pid, session: mine.session });
    const session = ids({ session: true });
    expect(session).toMatchObject({ pgrp: session.pid, session: session.pid });
    const first = spawnHeld({ file: '/bin/sleep', args: ['1000'], processGroup: 'own' });
    first.release();
    until('it leads a group', () => binding().getpgid(first.pid) === first.pid);
    expect(ids({ processGroup: first.pid })).toMatchObject({ pgrp: first.pid });
    end(first.pid);
    first.free();
  });

  it('a controlling terminal', () => {
    const sides = new Int32Array(2);
    expect(binding().openPty(24, 80, sides)).toBe(0);
    const [master = -1, terminal = -1] = sides;
    const [read, write] = pipe();
    const child = spawnHeld({
      file: '/bin/sh',
      args: ['-c', 'cat /proc/self/stat; : < /dev/tty && echo has a terminal'],
      descriptors: [terminal, write, 2],
      session: true,
      controllingTerminal: 0,
    });
    closeSync(write);
    child.release();
    const output = readAll(read);
    expect(waitEnd(child.pid)).toBe(0);
    child.free();
    expect(output).toContain('has a terminal');
    const ttyNumber = Number(output.slice(output.lastIndexOf(')') + 2).split(' ')[4]);
    expect(ttyNumber).toBe(fstatSync(terminal).rdev);
    closeSync(terminal);
    closeSync(master);
  });

  it('its umask, limits, CPUs and personality', () => {
    expect(shell('umask', { umask: 0o027 })).toMatch(/^0*027\n$/);
    expect(
      shell('ulimit -S -n; ulimit -H -n; ulimit -c', {
        resourceLimits: [
          { resource: RLIMIT.NOFILE, soft: 77, hard: 88n },
          { resource: RLIMIT.CORE, soft: 0, hard: 0 },
        ],
      }),
    ).toBe('77\n88\n0\n');
    expect(
      shell('ulimit -s', { resourceLimits: [{ resource: RLIMIT.STACK, soft: 1 << 20, hard: RLIM_INFINITY }] }),
    ).toBe('1024\n');
    const cpus = statusField('Cpus_allowed_list');
    expect(statusField('Cpus_allowed_list', { affinity: [0] })).toBe('0');
    expect(statusField('Cpus_allowed_list')).toBe(cpus);
    const personality = outputOf({
      file: '/bin/cat',
      args: ['/proc/self/personality'],
      personality: PERSONALITY.ADDR_NO_RANDOMIZE,
    });
    expect(Number.parseInt(personality.output, 16)).toBe(PERSONALITY.ADDR_NO_RANDOMIZE);
  });

  it('the signals blocked that were asked for, and no handler', () => {
    expect(statusField('SigBlk')).toBe('0000000000000000');
    expect(statusField('SigBlk', { blockedSignals: ['SIGUSR1', 64] })).toBe('8000000000000200');
    expect(statusField('SigCgt')).toBe('0000000000000000');
    // Node ignores SIGPIPE and SIGXFSZ; its children must not.
    expect(statusField('SigIgn')).toBe('0000000000000000');
  });

  it('whether it dies with the spawning thread', { timeout: limit(20_000) }, async () => {
    for (const dies of [true, false]) {
      const code = `
        const { parentPort, workerData } = require('node:worker_threads');
        const addon = require(workerData.loader)(workerData.root);
        const plan = ${planText({ file: '/bin/sleep', argv: ['sleep', '1000'] })};
        const pid = addon.spawn({ ...plan, keepDeathSignal: ${dies} });
        addon.spawnRelease(pid);
        while (addon.spawnFree(pid) !== 0);
        parentPort.postMessage(pid);
      `;
      const workerData = { loader: createRequire(import.meta.url).resolve('node-gyp-build'), root };
      const worker = new Worker(code, { eval: true, workerData });
      const [pid] = (await once(worker, 'message')) as [number];
      await worker.terminate();
      if (dies) {
        expect(waitEnd(pid)).toBe(9);
      } else {
        nap(20);
        expect(stateOf(pid)).toMatch(/^[SR]$/);
        end(pid);
      }
    }
  });

  it('no_new_privs and a seccomp filter', () => {
    expect(statusField('NoNewPrivs')).toBe('0');
    expect(statusField('NoNewPrivs', { noNewPrivs: true })).toBe('1');
    // Answers uname(2) with EPERM, allows the rest.
    const uname = process.arch === 'arm64' ? 160 : 63;
    const deny = filter([0x20, 0, 0, 0], [0x15, 0, 1, uname], [0x06, 0, 0, 0x00050001], [0x06, 0, 0, 0x7fff0000]);
    expect(statusField('Seccomp', { noNewPrivs: true, seccomp: deny })).toBe('2');
    const child = spawnHeld({ file: 'uname', descriptors: [null, null, null], noNewPrivs: true, seccomp: deny });
    child.release();
    expect(waitEnd(child.pid)).toBe(1 << 8);
    child.free();
  });

  it('another user, group and groups', (context) => {
    if (process.getuid?.() !== 0) context.skip('only root may change its user');
    const options = { uid: 1234, gid: 2345, groups: [7, 8] };
    expect(statusField('Uid', options)).toBe('1234\t1234\t1234\t1234');
    expect(statusField('Gid', options)).toBe('2345\t2345\t2345\t2345');
    expect(statusField('Groups', options)).toBe('7 8');
    // The memory of this process stays dumpable: its files in /proc belong to its user.
    expect(fstatSync(openedSelf()).uid).toBe(process.getuid?.());
    expect(failure({ file: '/nowhere', uid: 1234 })).toEqual({ stage: 'execve', errno: ERRNO.ENOENT });
  });
});

function closesOnExec(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
    return (Number.parseInt(flags ?? '0', 8) & O_CLOEXEC) !== 0;
  } catch {
    return true;
  }
}

function openedSelf(): number {
  const fd = openSync('/proc/self/status', 'r');
  process.nextTick(() => {
    closeSync(fd);
  });
  return fd;
}

describe('what fails', () => {
  it('tells the step and the errno', () => {
    const script = join(folder, 'no-format');
    writeFileSync(script, 'neither ELF nor #!');
    chmodSync(script, 0o755);
    const data = join(folder, 'data');
    writeFileSync(data, '');
    expect(failure({ file: '/nowhere/program' })).toEqual({ stage: 'execve', errno: ERRNO.ENOENT });
    expect(failure({ file: data })).toEqual({ stage: 'execve', errno: ERRNO.EACCES });
    expect(failure({ file: folder })).toEqual({ stage: 'execve', errno: ERRNO.EACCES });
    expect(failure({ file: script })).toEqual({ stage: 'execve', errno: ERRNO.ENOEXEC });
    expect(failure({ file: '/bin/true', cwd: '/nowhere' })).toEqual({ stage: 'chdir', errno: ERRNO.ENOENT });
    expect(failure({ file: '/bin/true', descriptors: [99999] })).toEqual({ stage: 'descriptors', errno: ERRNO.EBADF });
    expect(failure({ file: '/bin/true', processGroup: 1 })).toMatchObject({ stage: 'setpgid' });
    expect(failure({ file: '/bin/true', affinity: [8000] })).toEqual({
      stage: 'sched_setaffinity',
      errno: ERRNO.EINVAL,
    });
    expect(failure({ file: '/bin/true', resourceLimits: [{ resource: 99, soft: 0, hard: 0 }] })).toEqual({
      stage: 'prlimit',
      errno: ERRNO.EINVAL,
    });
    expect(failure({ file: '/bin/true', session: true, controllingTerminal: 0, descriptors: [nullDevice] })).toEqual({
      stage: 'controlling-terminal',
      errno: ERRNO.ENOTTY,
    });
    expect(failure({ file: '/bin/true', noNewPrivs: true, seccomp: filter([0xffff, 0, 0, 0]) })).toEqual({
      stage: 'seccomp',
      errno: ERRNO.EINVAL,
    });
    // Allows nothing but exit_group, with EPERM for the rest: the exec is what it meets first.
    const exitGroup = process.arch === 'arm64' ? 94 : 231;
    const exitOnly = filter(
      [0x20, 0, 0, 0],
      [0x15, 0, 1, exitGroup],
      [0x06, 0, 0, 0x7fff0000],
      [0x06, 0, 0, 0x00050001],
    );
    expect(failure({ file: '/bin/true', noNewPrivs: true, seccomp: exitOnly })).toEqual({
      stage: 'execve',
      errno: ERRNO.EPERM,
    });
  });

  it('refuses what cannot be right before any system call', () => {
    const bad: unknown[] = [
      undefined,
      null,
      'x',
      {},
      { file: '' },
      { file: 'a\0b' },
      { file: '/bin/true', arguments: [] },
      { file: '/bin/true', args: 'a' },
      { file: '/bin/true', args: [1] },
      { file: '/bin/true', env: { 'a=b': 'c' } },
      { file: '/bin/true', env: { A: 'x\0' } },
      { file: '/bin/true', descriptors: [-2] },
      { file: '/bin/true', descriptors: [1.5] },
      { file: '/bin/true', controllingTerminal: 0 },
      { file: '/bin/true', session: true, controllingTerminal: 3 },
      { file: '/bin/true', session: true, processGroup: 'own' },
      { file: '/bin/true', processGroup: 'mine' },
      { file: '/bin/true', umask: 0o1000 },
      { file: '/bin/true', affinity: [] },
      { file: '/bin/true', affinity: [-1] },
      { file: '/bin/true', resourceLimits: [{ resource: 1 }] },
      { file: '/bin/true', personality: -1 },
      { file: '/bin/true', uid: 2 ** 32 - 1 },
      { file: '/bin/true', seccomp: new Uint8Array(9) },
      { file: '/bin/true', blockedSignals: ['SIGNOT'] },
      { file: '/bin/true', noNewPrivs: 1 },
    ];
    for (const options of bad) expect(refusal(options), JSON.stringify(options)).toMatchObject({ reason: 'bad-input' });
  });

  it('throws a TypeError from the addon itself for a plan of the wrong shape', () => {
    for (const plan of [undefined, 1, {}, { file: 1 }]) {
      expect(() => (binding().spawn as (plan: unknown) => number)(plan)).toThrow(TypeError);
    }
    expect(binding().spawnRelease(1)).toBe(-ERRNO.ESRCH);
    expect(binding().spawnFree(1)).toBe(-ERRNO.ESRCH);
    expect(binding().spawnOutcome(1)).toBeNull();
  });
});

describe('many children', () => {
  it('leave no mapping, descriptor or zombie behind', () => {
    const one = (): void => {
      const child = spawnHeld({ file: '/bin/true' });
      child.release();
      expect(waitEnd(child.pid)).toBe(0);
      child.free();
    };
    for (let i = 0; i < 20; i++) one();
    const before = { stacks: spawnStacks(), descriptors: readdirSync('/proc/self/fd').length };
    for (let i = 0; i < 200; i++) one();
    expect(spawnStacks()).toBe(before.stacks);
    expect(readdirSync('/proc/self/fd').length).toBe(before.descriptors);
    expect(children().filter((pid) => stateOf(pid) === 'Z')).toEqual([]);
  });

  it('can be held at once', () => {
    const held = Array.from({ length: 50 }, () => spawnHeld({ file: '/bin/true' }));
    for (const child of held.toReversed()) child.release();
    for (const child of held) {
      expect(waitEnd(child.pid)).toBe(0);
      child.free();
    }
  });

  it('from three Workers at once', { timeout: limit(30_000) }, async () => {
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const addon = require(workerData.loader)(workerData.root);
      const status = new Int32Array(1);
      let good = 0;
      for (let i = 0; i < 60; i++) {
        const code = i % 7;
        const plan = ${planText({ file: '/bin/sh', argv: ['sh', '-c', 'exit $0'] })};
        plan.argv.push(String(code));
        const pid = addon.spawn(plan);
        addon.spawnRelease(pid);
        if (addon.wait4(pid, 0x40000000, status, null) === pid && status[0] === code << 8 && addon.spawnFree(pid) === 0) good++;
      }
      parentPort.postMessage(good);
    `;
    const workerData = { loader: createRequire(import.meta.url).resolve('node-gyp-build'), root };
    const workers = Array.from({ length: 3 }, () => new Worker(code, { eval: true, workerData }));
    const answers = await Promise.all(workers.map((worker) => once(worker, 'message')));
    expect(answers.flat()).toEqual([60, 60, 60]);
    await Promise.all(workers.map((worker) => worker.terminate()));
  });
});

function children(): number[] {
  return readdirSync('/proc/self/task').flatMap((tid) => {
    const path = `/proc/self/task/${tid}/children`;
    return existsSync(path) ? readFileSync(path, 'latin1').trim().split(' ').filter(Boolean).map(Number) : [];
  });
}
