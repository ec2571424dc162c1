/** `linux-ptrace ARGS` on another kernel: boots it, runs the command inside, brings back what it wrote. */
import type { ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
  openSync,
  closeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { versions } from 'node:process';
import type { Entry } from './cpio.js';
import { diagnose, type MachineEnd } from './diagnose.js';
import { VmError, WORTH_A_RETRY } from './failure.js';
import { fetchNode, nodeLine } from './fetch-node.js';
import { fetchSystem } from './fetch-system.js';
import { needFolder, placeError } from './folder.js';
import type { GuestArch } from './guest-arch.js';
import { commandScript, GUEST, type GuestCommand, MARK, shellScript } from './guest-init.js';
import { baseArchive, writeInitramfs } from './image.js';
import { type KernelImage, readKernelImage } from './kernel-image.js';
import { FAREWELL_MILLIS, runMachine, start, type MachineResult } from './machine.js';
import { payload } from './payload.js';
import { findQemu, type MachineOptions, qemuArguments } from './qemu.js';
import { bring, type GuestOutput, takeResult } from './result.js';
import { makeScratch } from './scratch.js';
import { ConsoleReader, type Said } from './console.js';
import { umlArguments } from './uml.js';

/** What a run in a guest is made of; only kernel and arguments have to be given. */
export interface GuestRun {
  /** The kernel: a bzImage of x86-64, an Image of arm64 or a User-mode Linux. */
  readonly kernel: string;
  /** The architecture that is wanted; without it, the kernel's. */
  readonly arch?: GuestArch | undefined;
  /** Which Node runs in the guest: a line ('22') or a version. Without it the line of the Node that runs this. */
  readonly node?: string | undefined;
  /** QEMU's name of the processor. Without it the one with everything. */
  readonly cpu?: string | undefined;
  /** How many processors; 1 without it. They take turns. */
  readonly cpus?: number | undefined;
  /** Memory of the guest in MiB; 1024 without it. */
  readonly memory?: number | undefined;
  /** More words for the kernel's command line. */
  readonly append?: string | undefined;
  /** What is written under /proc/sys first. */
  readonly sysctls?: Readonly<Record<string, string>> | undefined;
  /** The arguments of `linux-ptrace` in the guest. */
  readonly args: readonly string[];
  /** In place of `linux-ptrace` and its arguments: another program of the guest. */
  readonly command?: readonly string[] | undefined;
  /** Files of this machine that the command finds in its folder. */
  readonly files?: readonly string[] | undefined;
  /** More of the guest's file system. */
  readonly entries?: readonly Entry[] | undefined;
  /** More environment of the command. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Where the files that the command wrote are put; without it, they are not kept. */
  readonly out?: string | undefined;
  /** Multiplies the limits of the command: emulation is slow. */
  readonly timeScale?: number | undefined;
  /** Until the guest's init runs, in milliseconds. */
  readonly bootLimitMs?: number | undefined;
  /** For the machine from start to end, in milliseconds. */
  readonly limitMs?: number | undefined;
  /** Hears all that the console says. */
  readonly console?: ((text: string) => void) | undefined;
  /** Hears each line of the command's standard error as it comes. */
  readonly onLine?: ((line: string) => void) | undefined;
  /** Hears what is being done: fetching, booting, a second try. */
  readonly onPhase?: ((words: string) => void) | undefined;
  /** Where the console's log is kept. Without it, it is kept only on failure, in the folder for temporary files. */
  readonly log?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface GuestResult {
  /** The exit code of the command. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The files it wrote, relative to `out`. */
  readonly files: readonly string[];
  /** From QEMU's start until the guest's init ran, and until the result was there. */
  readonly seconds: { readonly boot: number; readonly total: number };
  readonly tries: number;
  /** The release that the kernel told. */
  readonly release: string;
  /** The names under /proc/sys that the kernel did not take. */
  readonly refused: readonly string[];
}

const MEMORY = 1024;
const LEAST_MEMORY = 64;
/** Emulation is 10 to 20 times slower than a machine. */
const TIME_SCALE: Readonly<Record<GuestArch, number>> = { x64: 10, arm64: 20 };
const BOOT_MILLIS = 90_000;
const LIMIT_MILLIS = 15 * 60_000;
const TRIES = 2;
/** For the result. */
const DISK_BYTES = 48 << 20;
/** An exit code from here on is a death by a signal, as a shell tells it. */
const DEATH_BY_SIGNAL = 128;

/** Makes a file of zeros: a disk that is full is noticed here, not by the guest. */
function makeDisk(file: string): void {
  const fd = openSync(file, 'w');
  try {
    const zeros = Buffer.alloc(1 << 20);
    for (let at = 0; at < DISK_BYTES; at += zeros.length) writeSync(fd, zeros);
  } finally {
    closeSync(fd);
  }
}

const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');

/** A full disk is said in words. */
function onDisk<T>(folder: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!isFull(error)) throw error;
    throw new VmError(
      'no-space',
      `the disk of ${folder} is full: the guest's image needs some 300 MB there (TMPDIR chooses another)`,
      { cause: error },
    );
  }
}

function commandOf(run: GuestRun, arch: GuestArch): GuestCommand {
  const { args, command, timeScale = TIME_SCALE[arch], env = {}, sysctls = {} } = run;
  return {
    argv: command ?? [GUEST.node, `${GUEST.package}/bundle/cli.js`, ...args],
    env: {
      LINUX_PTRACE_TIME_SCALE: String(timeScale),
      LINUX_PTRACE_PROGRESS: '2',
      LINUX_PTRACE_EMULATED: '1',
      HOME: '/root',
      ...env,
    },
    sysctls,
  };
}

/** Also tries what is written to at the end only: an hour's work is not lost by a folder that takes nothing. */
function check(run: GuestRun): void {
  const { memory = MEMORY, files = [], cpus = 1, cpu = '', node, out, log } = run;
  if (!Number.isInteger(memory) || memory < LEAST_MEMORY) {
    throw new VmError('bad-input', `${memory} MiB of memory are too few: node alone needs more`);
  }
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > 64)
    throw new VmError('bad-input', `${cpus} processors: want 1 to 64`);
  for (const file of files) {
    if (!existsSync(file) || !statSync(file).isFile())
      throw new VmError('bad-input', `${file} is no file that could be given to the guest`);
  }
  if (['help', '?'].includes(cpu)) {
    throw new VmError(
      'bad-input',
      `'${cpu}' is no processor: "qemu-system-x86_64 -cpu help" lists those that there are`,
    );
  }
  if (node !== undefined) nodeLine(node);
  if (out !== undefined) needFolder(out);
  if (log === undefined) return;
  try {
    closeSync(openSync(log, 'a'));
  } catch (error) {
    throw placeError(`the console's log ${log}`, error);
  }
}

/** A folder that has become full, or has something else in the place of a file, is said in words. */
function broughtTo(out: string, { folder }: GuestOutput, wanted: Parameters<typeof bring>[2]): string[] {
  try {
    return bring(folder, out, wanted);
  } catch (error) {
    throw placeError(`the folder ${out}, where the files of the guest go,`, error, '--out names another');
  }
}

/** What the guest gets on top of its base. */
function ownEntries(run: GuestRun, arch: GuestArch, script: string): Entry[] {
  const { files = [], entries = [] } = run;
  return [
    ...payload(arch),
    { kind: 'file', path: 'run.sh', mode: 0o755, content: script },
    ...files.map((file) => ({
      kind: 'copy' as const,
      path: join(GUEST.out, basename(file)).slice(1),
      file,
      mode: statSync(file).mode & 0o777,
    })),
    ...entries,
  ];
}

/** What there is before the machine is started. */
interface Prepared {
  readonly image: KernelImage;
  /** QEMU, or the kernel itself. */
  readonly program: string;
  readonly options: MachineOptions;
  readonly folder: string;
}

async function prepare(run: GuestRun, folder: string, script: (arch: GuestArch) => string): Promise<Prepared> {
  const {
    kernel,
    cpu,
    cpus = 1,
    memory = MEMORY,
    append,
    signal,
    onPhase,
    node = versions.node.split('.')[0] ?? '',
  } = run;
  check(run);
  const image = readKernelImage(kernel, run.arch);
  const { arch } = image;
  const program = image.by === 'qemu' ? findQemu(arch) : resolve(image.file);
  onPhase?.('preparing the image');
  const [system, binary] = await Promise.all([fetchSystem(arch, { signal }), fetchNode(arch, node, { signal })]);
  const initrd = join(folder, 'initrd');
  const disk = join(folder, 'result.raw');
  const base = baseArchive(arch, binary.file, system);
  onDisk(folder, () => {
    writeInitramfs(initrd, base, ownEntries(run, arch, script(arch)));
    makeDisk(disk);
  });
  return { image, program, folder, options: { arch, kernel, initrd, disk, cpu, cpus, memory, append } };
}

/** Why there is no result. The kernel's own account of what it lacks comes before what the console looks like. */
function failureOf(machine: MachineResult): VmError {
  const lacks = machine.said.find((words) => words.what === 'lacks');
  if (lacks !== undefined)
    return new VmError('unsupported-kernel', `the kernel lacks what the guest cannot do without: ${lacks.option}=y`);
  if (machine.said.some(({ what }) => what === 'full')) {
    return new VmError('out-of-memory', 'the guest has too little memory for its result: give it more (--memory)');
  }
  const { reason, words } = diagnose(machine.end, machine.lines, machine.boot !== undefined);
  return new VmError(reason, reason === 'out-of-memory' ? `${words}: give it more (--memory)` : words);
}

interface Try {
  readonly output: GuestOutput;
  readonly machine: MachineResult;
  readonly total: number;
}

async function once(run: GuestRun, prepared: Prepared, attempt: number, log: string): Promise<Try> {
  const { bootLimitMs = BOOT_MILLIS, limitMs = LIMIT_MILLIS, onLine, onPhase, signal } = run;
  const begin = performance.now();
  const { image, options, program } = prepared;
  // A kernel that failed says more the second time.
  const told = { ...options, verbose: attempt > 1 };
  const machine = await runMachine({
    program,
    args: image.by === 'qemu' ? qemuArguments(told) : umlArguments(told, prepared.folder),
    bootMillis: bootLimitMs,
    limitMillis: limitMs,
    log,
    signal,
    onText: run.console,
    onLine: onLine === undefined ? undefined : (line) => onLine(Buffer.from(line, 'latin1').toString()),
    onUp: (seconds) => onPhase?.(`up after ${seconds.toFixed(1)} s`),
  });
  const folder = mkdtempSync(join(prepared.folder, 'result-'));
  const output = onDisk(folder, () => takeResult(machine, options.disk, folder));
  if (output === undefined) throw failureOf(machine);
  if (output.code >= DEATH_BY_SIGNAL) {
    const words = output.stderr.split('\n').find((line) => /fatal|error|assert/i.test(line)) ?? '';
    throw new VmError(
      'machine-failed',
      `the command in the guest died of signal ${output.code - DEATH_BY_SIGNAL}${words === '' ? '' : `: ${words.trim().slice(0, 160)}`}`,
    );
  }
  return { output, machine, total: (performance.now() - begin) / 1000 };
}

/** Where a failure's log is kept, and the error that says so. */
function keepLog(error: VmError, log: string, kept: string): VmError {
  try {
    if (statSync(log).size === 0) return error;
    writeFileSync(kept, readFileSync(log));
  } catch {
    return error;
  }
  return new VmError(error.reason, `${error.message} (the console's log: ${kept})`, { cause: error.cause, log: kept });
}

/**
 * The log of a machine that did its work. A full disk costs the log, not the result.
 *
 * Written, not copied: a copy that fails takes its target away, which may be a device.
 */
function keepWords(log: string, kept: string, onPhase: GuestRun['onPhase']): void {
  try {
    writeFileSync(kept, readFileSync(log));
  } catch (error) {
    onPhase?.(placeError(`the console's log ${kept}`, error).message);
  }
}

const releaseOf = (said: readonly Said[], fallback: string | undefined): string =>
  said.find((words) => words.what === 'up')?.release ?? fallback ?? 'unknown';

/**
 * Runs `linux-ptrace ARGS` in a guest. One more try is made when the machine itself failed, not when the command did.
 *
 * Needs QEMU, and what {@link fetchSystem} and {@link fetchNode} need when the cache is empty. No rights beyond those of an ordinary user.
 *
 * @throws VmError when there is no whole result; the reason says what is wrong and where the log is
 * @throws the signal's reason when that ended it
 */
export async function runInGuest(run: GuestRun): Promise<GuestResult> {
  const folder = makeScratch();
  try {
    const prepared = await prepare(run, folder, (arch) => commandScript(commandOf(run, arch)));
    const log = join(folder, 'console.log');
    const kept = run.log ?? join(tmpdir(), `linux-ptrace-console-${basename(folder).slice(-6)}.log`);
    for (let attempt = 1; ; attempt++) {
      run.signal?.throwIfAborted();
      run.onPhase?.(attempt === 1 ? 'booting' : 'booting again');
      try {
        const { output, machine, total } = await once(run, prepared, attempt, log);
        if (run.log !== undefined) keepWords(log, run.log, run.onPhase);
        const given = new Map((run.files ?? []).map((file) => [basename(file), file]));
        const isNew = (name: string, file: string): boolean => {
          const original = given.get(name);
          return original === undefined || !readFileSync(original).equals(readFileSync(file));
        };
        const { out } = run;
        const files = out === undefined ? [] : broughtTo(out, output, isNew);
        const { code, stdout, stderr } = output;
        const release = releaseOf(machine.said, prepared.image.release);
        const refused = machine.said.flatMap((words) => (words.what === 'refused' ? [words.name] : []));
        return {
          code,
          stdout,
          stderr,
          files,
          seconds: { boot: machine.boot ?? 0, total },
          tries: attempt,
          release,
          refused,
        };
      } catch (error) {
        if (!(error instanceof VmError)) throw error;
        if (attempt < TRIES && WORTH_A_RETRY.has(error.reason) && run.signal?.aborted !== true) {
          run.onPhase?.(`${error.message}; trying once more`);
          continue;
        }
        throw keepLog(error, log, kept);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Waits for a machine that has the terminal. One that does not come up is ended, as nobody could end it from there, and so is one when `signal`
 * says so: QEMU gives the terminal back as it was.
 */
async function untilShellEnds(
  child: ChildProcess,
  log: string,
  { bootLimitMs = BOOT_MILLIS, signal }: Pick<GuestRun, 'bootLimitMs' | 'signal'>,
): Promise<MachineEnd> {
  let limitEnd: MachineEnd | undefined;
  let killer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    killer ??= setTimeout(() => child.kill('SIGKILL'), FAREWELL_MILLIS);
  };
  const bootTimer = setTimeout(() => {
    if (existsSync(log) && readFileSync(log, 'latin1').includes(`${MARK} up `)) return;
    limitEnd = { how: 'boot-limit', seconds: bootLimitMs / 1000 };
    stop();
  }, bootLimitMs);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const end = await new Promise<MachineEnd>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, name) => {
        resolve(name === null ? { how: 'exited', code: code ?? 0, stderr: '' } : { how: 'killed', signal: name });
      });
    });
    signal?.throwIfAborted();
    return limitEnd ?? end;
  } finally {
    clearTimeout(bootTimer);
    clearTimeout(killer);
    signal?.removeEventListener('abort', stop);
  }
}

/**
 * A shell in a guest, on the terminal of this process. Files left in its folder are brought back.
 *
 * @returns names of the files, relative to `out`
 * @throws VmError when the machine did not come up or gave no result
 * @throws the signal's reason when that ended it
 */
export async function shellInGuest(run: Omit<GuestRun, 'args' | 'command'>): Promise<string[]> {
  const folder = makeScratch();
  try {
    const all: GuestRun = { ...run, args: [] };
    const prepared = await prepare(all, folder, (arch) => shellScript(commandOf(all, arch)));
    const log = join(folder, 'console.log');
    if (prepared.image.by !== 'qemu') {
      throw new VmError('bad-input', 'there is no shell in a User-mode Linux: give it a command');
    }
    run.signal?.throwIfAborted();
    const child = start(prepared.program, qemuArguments({ ...prepared.options, terminalLog: log }), 'inherit');
    const end = await untilShellEnds(child, log, run);
    const said: Said[] = [];
    const reader = new ConsoleReader((words) => said.push(words));
    if (existsSync(log)) reader.feed(readFileSync(log, 'latin1'));
    reader.close();
    const boot = said.some(({ what }) => what === 'up') ? 0 : undefined;
    const machine: MachineResult = {
      end,
      said,
      lines: reader.lines,
      data: Buffer.from(reader.data.join(''), 'base64'),
      boot,
    };
    const place = join(folder, 'result');
    mkdirSync(place);
    const output = takeResult(machine, prepared.options.disk, place);
    if (output === undefined) throw failureOf(machine);
    return run.out === undefined ? [] : broughtTo(run.out, output, () => true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
