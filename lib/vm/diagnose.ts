/** What a machine died of, told from its console. */
import type { VmFailure } from './failure.js';

export interface Diagnosis {
  readonly reason: VmFailure;
  /** A sentence without its end. */
  readonly words: string;
}

/** How the machine came to its end, as seen from outside. */
export type MachineEnd =
  | { readonly how: 'exited'; readonly code: number; readonly stderr: string }
  | { readonly how: 'killed'; readonly signal: string }
  /** It was still there when its time was over, before its init ran or afterwards. */
  | { readonly how: 'boot-limit'; readonly seconds: number }
  | { readonly how: 'limit'; readonly seconds: number };

interface Rule extends Diagnosis {
  readonly pattern: RegExp;
}

/** What the guest needs of a kernel, by the words of a kernel that lacks it. The first that matches. */
const rules: readonly Rule[] = [
  {
    pattern:
      /Initramfs unpacking failed: write error|Out of memory: Killed|Out of memory and no killable|deadlocked on memory|page allocation failure.*swapper/i,
    reason: 'out-of-memory',
    words: 'the guest has too little memory',
  },
  {
    pattern: /Unable to mount root fs|Cannot open root device|No filesystem could mount root/i,
    reason: 'unsupported-kernel',
    words: 'the kernel found no /init: it takes no initramfs (CONFIG_BLK_DEV_INITRD=y), or was told of another one',
  },
  {
    pattern: /Failed to execute \/init \(error -8\)|Requested init \/init failed \(error -8\)/,
    reason: 'unsupported-kernel',
    words:
      'the kernel runs no scripts or no programs of this kind: it needs CONFIG_BINFMT_SCRIPT=y and CONFIG_BINFMT_ELF=y',
  },
  {
    pattern: /No working init found/,
    reason: 'unsupported-kernel',
    words:
      'the kernel found no program that it could run: it needs CONFIG_BINFMT_SCRIPT=y, CONFIG_BINFMT_ELF=y and CONFIG_BLK_DEV_INITRD=y',
  },
  {
    pattern: /Initramfs unpacking failed/i,
    reason: 'unsupported-kernel',
    words: 'the kernel could not unpack the initramfs',
  },
];

const PANIC = /Kernel panic - not syncing: (.*)/;
/** The head of a line of the kernel's log. */
const STAMP = /^\[ *\d+\.\d+\](\[[^\]]*\])? ?/;
/** Lines of firmware. */
const FIRMWARE = /SeaBIOS|iPXE|Booting from|^\s*$|Machine UUID|EFI stub: /;

/** The lines that a kernel said. */
export const kernelWords = (lines: readonly string[]): string[] =>
  lines.filter((line) => !FIRMWARE.test(line)).map((line) => line.replace(STAMP, '').trim());

const seconds = (count: number): string => `${Math.round(count)} s`;

/**
 * Why a machine gave no result.
 *
 * @param lines what stood on its console
 * @param isUp whether the guest's init ran
 */
export function diagnose(end: MachineEnd, lines: readonly string[], isUp: boolean): Diagnosis {
  const rule = rules.find(({ pattern }) => lines.some((line) => pattern.test(line)));
  if (rule !== undefined) return rule;
  const panic = lines.map((line) => PANIC.exec(line)?.[1]?.trim()).find((words) => words !== undefined);
  if (panic !== undefined) return { reason: 'panic', words: `the kernel panicked: ${panic}` };
  const said = kernelWords(lines);
  const last = said.at(-1);
  const lastWords = last === undefined ? '' : `; its last line: ${last.slice(0, 160)}`;
  switch (end.how) {
    case 'exited': {
      const words = end.stderr.split('\n').find((line) => /^qemu-system/.test(line)) ?? end.stderr.split('\n')[0] ?? '';
      const what = words.replace(/^qemu-system[-_a-z0-9]*: */, '').trim();
      if (/Cannot allocate memory|cannot set up guest memory/i.test(what)) {
        return { reason: 'bad-input', words: `this machine has too little memory for the guest: ${what}` };
      }
      if (/CPU model|-cpu|property .* not found|Expected key=value/i.test(what))
        return { reason: 'bad-input', words: `QEMU refuses: ${what}` };
      if (end.code !== 0)
        return { reason: 'machine-failed', words: `QEMU ended with ${end.code}${what === '' ? '' : `: ${what}`}` };
      return {
        reason: 'machine-failed',
        words: `the machine ended without a result${lastWords}`,
      };
    }
    case 'killed':
      return { reason: 'machine-failed', words: `QEMU was killed by ${end.signal}` };
    case 'boot-limit':
      return last === undefined
        ? {
            reason: 'silent',
            words:
              `nothing came from the serial console within ${seconds(end.seconds)}: the kernel hangs, or has no console there ` +
              '(x64: CONFIG_SERIAL_8250_CONSOLE=y, arm64: CONFIG_SERIAL_AMBA_PL011_CONSOLE=y)',
          }
        : {
            reason: 'timed-out',
            words: `the kernel did not come to its init within ${seconds(end.seconds)}${lastWords}`,
          };
    case 'limit':
      return isUp
        ? {
            reason: 'too-long',
            words: `the command in the guest did not end within ${seconds(end.seconds)}${lastWords}`,
          }
        : { reason: 'timed-out', words: `the machine did not end within ${seconds(end.seconds)}${lastWords}` };
  }
}
