import { describe, expect, it } from 'vitest';
import { diagnose, type MachineEnd } from '../../lib/vm/diagnose.js';

const ENDED: MachineEnd = { how: 'exited', code: 0, stderr: '' };
const panic = (words: string): string[] => [
  'SeaBIOS (version 1.16)',
  `[    0.812345] Kernel panic - not syncing: ${words}`,
  '[    0.812399] ---[ end Kernel panic ]---',
];

describe('what a machine died of', () => {
  it.each([
    ['VFS: Unable to mount root fs on unknown-block(0,0)', 'unsupported-kernel', /CONFIG_BLK_DEV_INITRD=y/],
    ['No working init found.  Try passing init= option', 'unsupported-kernel', /CONFIG_BINFMT_ELF/],
    ['Requested init /init failed (error -8).', 'unsupported-kernel', /CONFIG_BINFMT_SCRIPT/],
    ['System is deadlocked on memory', 'out-of-memory', /too little memory/],
    ['Fatal exception in interrupt', 'panic', /the kernel panicked: Fatal exception in interrupt/],
  ])('a panic: %s', (words, reason, pattern) => {
    const { reason: found, words: sentence } = diagnose(ENDED, panic(words), false);
    expect(found).toBe(reason);
    expect(sentence).toMatch(pattern);
  });

  it('the memory that the guest ran out of', () => {
    const killed = ['[   12.0] Out of memory: Killed process 80 (node) total-vm:1234kB'];
    expect(diagnose(ENDED, killed, true).reason).toBe('out-of-memory');
    expect(diagnose(ENDED, ['[ 0.5] Initramfs unpacking failed: write error'], false).reason).toBe('out-of-memory');
  });

  it('nothing at all, or only the firmware, is silence', () => {
    for (const lines of [[], ['SeaBIOS (version 1.16)', 'Booting from ROM..', '']]) {
      const { reason, words } = diagnose({ how: 'boot-limit', seconds: 90 }, lines, false);
      expect(reason).toBe('silent');
      expect(words).toMatch(/within 90 s: .*CONFIG_SERIAL_8250_CONSOLE/);
    }
  });

  it('a kernel that hangs says its last line', () => {
    const { reason, words } = diagnose(
      { how: 'boot-limit', seconds: 90 },
      ['[    1.2] pci 0000:00:01.0: quirk'],
      false,
    );
    expect(reason).toBe('timed-out');
    expect(words).toBe('the kernel did not come to its init within 90 s; its last line: pci 0000:00:01.0: quirk');
  });

  it('a command without end', () => {
    const { reason, words } = diagnose({ how: 'limit', seconds: 900 }, ['3 of 375 played, 12 s'], true);
    expect(reason).toBe('too-long');
    expect(words).toMatch(/^the command in the guest did not end within 900 s/);
  });

  it('what QEMU says of itself', () => {
    const stderr = (text: string): MachineEnd => ({ how: 'exited', code: 1, stderr: text });
    expect(diagnose(stderr("qemu-system-x86_64: unable to find CPU model 'z80'\n"), [], false)).toEqual({
      reason: 'bad-input',
      words: "QEMU refuses: unable to find CPU model 'z80'",
    });
    expect(
      diagnose(stderr('qemu-system-x86_64: cannot set up guest memory: Cannot allocate memory\n'), [], false).reason,
    ).toBe('bad-input');
    expect(diagnose(stderr('qemu-system-x86_64: something else\n'), [], false)).toEqual({
      reason: 'machine-failed',
      words: 'QEMU ended with 1: something else',
    });
    expect(diagnose({ how: 'killed', signal: 'SIGSEGV' }, [], true).words).toBe('QEMU was killed by SIGSEGV');
  });

  it('a power-off without a result', () => {
    expect(diagnose(ENDED, ['[   3.0] reboot: Power down'], true)).toEqual({
      reason: 'machine-failed',
      words: 'the machine ended without a result; its last line: reboot: Power down',
    });
  });
});
