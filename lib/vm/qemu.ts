/** The command line of QEMU. */
import { findProgram } from '../raw/find-program.js';
import { VmError } from './failure.js';
import type { GuestArch } from './guest-arch.js';

/** What is told of a machine; sizes in MiB. */
export interface MachineOptions {
  readonly arch: GuestArch;
  readonly kernel: string;
  readonly initrd: string;
  /** A raw file that takes the result. */
  readonly disk: string;
  /** More raw files, read-only. */
  readonly disks?: readonly string[] | undefined;
  /** QEMU's name of the processor. */
  readonly cpu?: string | undefined;
  readonly cpus: number;
  readonly memory: number;
  /** More words for the kernel's command line. */
  readonly append?: string | undefined;
  /** The kernel tells all it does, as early as it can. */
  readonly verbose?: boolean | undefined;
  /** The console is this terminal, and is written to this file too. */
  readonly terminalLog?: string | undefined;
}

interface Board {
  readonly program: string;
  readonly package: string;
  readonly machine: string;
  readonly cpu: string;
  readonly console: string;
  readonly early: string;
}

const boards: Readonly<Record<GuestArch, Board>> = {
  x64: {
    program: 'qemu-system-x86_64',
    package: 'qemu-system-x86',
    machine: 'pc',
    cpu: 'max',
    console: 'ttyS0',
    early: 'earlyprintk=serial,ttyS0,115200',
  },
  arm64: {
    program: 'qemu-system-aarch64',
    package: 'qemu-system-arm',
    machine: 'virt',
    // Pointer authentication by QEMU's own hash: the architected one costs three times the whole emulation.
    cpu: 'max,pauth-impdef=on',
    console: 'ttyAMA0',
    early: 'earlycon',
  },
};

/** Looks a program up in PATH. */
export function inPath(program: string): string | undefined {
  const found = findProgram(program, process.env['PATH'], process.cwd());
  return 'path' in found ? found.path : undefined;
}

/**
 * The QEMU for an architecture.
 *
 * @throws VmError 'missing-tool' with the name of Debian's package
 */
export function findQemu(arch: GuestArch): string {
  const { program, package: name } = boards[arch];
  const file = inPath(program);
  if (file !== undefined) return file;
  throw new VmError(
    'missing-tool',
    `${program} is not in PATH. Install QEMU's emulator for ${arch} (Debian: apt-get install ${name})`,
  );
}

/** The words of an option's value keep their commas doubled. */
const escaped = (value: string): string => value.replaceAll(',', ',,');

const drive = (id: string, file: string, more: string): string[] => [
  '-drive',
  `if=none,id=${id},format=raw,file=${escaped(file)},cache=unsafe,${more}`,
  '-device',
  `nvme,drive=${id},serial=${id}`,
];

/**
 * All arguments of QEMU.
 *
 * Always software emulation: a /dev/kvm that opens may still be one under which stock kernels hang, and only one thread emulates, because more
 * of them break self-patching kernels now and then. A full disk here is an error of the guest's disk, where QEMU by itself would halt the machine.
 */
export function qemuArguments(options: MachineOptions): string[] {
  const { arch, kernel, initrd, disk, disks = [], cpu, cpus, memory, append = '', verbose = false } = options;
  const board = boards[arch];
  const words = [
    `console=${board.console}`,
    'panic=-1',
    ...(verbose ? [board.early, 'ignore_loglevel'] : ['quiet']),
    ...(append === '' ? [] : [append]),
  ];
  const console =
    options.terminalLog === undefined
      ? 'stdio,id=console'
      : // By mux ^A x ends QEMU: a kernel that hangs hears no ^C.
        `stdio,id=console,mux=on,signal=off,logfile=${escaped(options.terminalLog)}`;
  return [
    ...['-M', board.machine, '-accel', 'tcg,thread=single', '-cpu', cpu ?? board.cpu, '-smp', String(cpus)],
    ...['-m', String(memory), '-nodefaults', '-display', 'none', '-no-reboot'],
    ...['-chardev', console, '-serial', 'chardev:console', '-monitor', 'none'],
    ...['-kernel', kernel, '-initrd', initrd, '-append', words.join(' ')],
    ...drive('result', disk, 'werror=report,rerror=report'),
    ...disks.flatMap((file, index) => drive(`disk${index}`, file, 'readonly=on')),
  ];
}
