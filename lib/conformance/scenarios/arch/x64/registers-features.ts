/** Register sets that only some CPUs have. */
import { readFileSync } from 'node:fs';
import { NT } from '../../../../kernel/regsets.js';
import * as raw from '../../../../raw/index.js';
import type { Actor } from '../../../actor.js';
import { toNextReport } from '../../../parts/system-calls.js';
import { commit, scenario, suite, type Scenario } from '../../../scenario.js';
import { codeTracee, I, registersOf } from './machine-code.js';

const XTILEDATA = 18;
const ARCH_REQ_XCOMP_PERM = 0x1023;
/** In the XSAVE area: which components are not in their initial state. */
const XSTATE_BV = 512;

const ARCH_SHSTK_ENABLE = 0x5001;
const SHADOW_STACK = 1;
const KERNEL_ADDRESS = 0xffff_ffff_ffff_0000n;

const cpuid = [0x0f, 0xa2];

/** Whether /proc/cpuinfo has a flag: what the kernel uses of the CPU. */
const hasFlag = (flag: string): boolean =>
  (/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '').split(' ').includes(flag);

/** Writes tile data by SETREGSET, and looks whether GETREGSET gives it. */
function injectTiles(e: Actor, offset: number, size: number): void {
  const area = raw.getRegset(e.tid, NT.X86_XSTATE);
  const view = new DataView(area.buffer, area.byteOffset, area.byteLength);
  view.setBigUint64(XSTATE_BV, view.getBigUint64(XSTATE_BV, true) | (1n << BigInt(XTILEDATA)), true);
  for (let at = 0; at < size; at++) area[offset + at] = at & 0xff;
  const result = e.stage.attempt(() => raw.setRegset(e.tid, NT.X86_XSTATE, area));
  e.observe('SETREGSET with tile data', result);
  if (result !== '0') return;
  const now = raw.getRegset(e.tid, NT.X86_XSTATE);
  e.observe(
    'GETREGSET has it',
    now.subarray(offset, offset + size).every((byte, at) => byte === (at & 0xff)),
  );
}

export const featureRegisters: readonly Scenario[] = [
  scenario({
    id: 'amx-ptrace',
    title:
      'The tile data of AMX can be written by SETREGSET of a tracee that has asked for the right to use it, not of others',
    source: [
      suite('selftests', 'amx.c'),
      commit('db8268df0983', 'x86/arch_prctl: Add controls for dynamic XSTATE components'),
    ],
    tags: ['registers', 'xstate', 'amx'],
    rule:
      'The 8 KiB of tiles have room in the kernel only for processes with a permission (ARCH_REQ_XCOMP_PERM). A tracer cannot give it: what it writes for a ' +
      'tracee without it is refused.',
    arch: ['x64'],
    since: '5.16',
    play(s) {
      if (!hasFlag('amx_tile')) s.skip('this CPU has no AMX');
      const prepare = { E: false, F: true };
      for (const [name, asks] of Object.entries(prepare)) {
        const tracee = codeTracee(s, name, [cpuid, I.int3], (c) =>
          asks ? c.syscall('arch_prctl', ARCH_REQ_XCOMP_PERM, XTILEDATA).store('asked') : c,
        );
        const e = tracee.actor;
        if (asks) e.result('asked', 'ARCH_REQ_XCOMP_PERM');
        tracee.goTo(0, (registers) => {
          registers.rax = 0xd;
          registers.rcx = XTILEDATA;
        });
        toNextReport(e);
        const { rax: size, rbx: offset } = registersOf(e);
        injectTiles(e, Number(offset), Number(size));
      }
    },
    expect: `
      E: SETREGSET with tile data = EFAULT | EINVAL
      F: ARCH_REQ_XCOMP_PERM = 0
      F: SETREGSET with tile data = 0
      F: GETREGSET has it = true
    `,
  }),

  scenario({
    id: 'shadow-stack-regset',
    title:
      'The shadow stack pointer is a register set of its own: ENODEV without a shadow stack, EINVAL for what it cannot be',
    source: [
      suite('selftests', 'test_shadow_stack.c'),
      commit('2fab02b25ae7', 'x86: Add PTRACE interface for shadow stack'),
    ],
    tags: ['registers', 'shadow-stack', 'errors'],
    rule:
      'Where a program has shadow stacks on, a tracer that changes returns must move their pointer too. It must be a multiple of 8 in user space, since the ' +
      'kernel would fault by any other on its way to the tracee. A tracee without one has no such set.',
    arch: ['x64'],
    since: '6.6',
    play(s) {
      const e = s.tracee(
        'E',
        (c) =>
          c
            .tgkillSelf('SIGUSR1')
            .syscall('arch_prctl', ARCH_SHSTK_ENABLE, SHADOW_STACK)
            .store('on')
            .tgkillSelf('SIGUSR2'),
        { by: 'traceme' },
      );
      const size = new Uint8Array(8);
      const get = (): string => s.attempt(() => raw.getRegset(e.tid, NT.X86_SHSTK, size));
      const set = (what: string, ssp: bigint): void => {
        e.observe(
          `SETREGSET ${what}`,
          s.attempt(() => raw.setRegset(e.tid, NT.X86_SHSTK, new BigUint64Array([ssp]))),
        );
      };
      if (get() === 'EINVAL') s.skip('this kernel has no shadow stacks');
      e.cont();
      e.wait();
      e.observe('GETREGSET without', get());
      set('without', 8n);
      e.cont();
      e.wait();
      if (e.word('on') !== 0n) s.skip('this CPU has no shadow stacks');
      e.observe('GETREGSET', get());
      const ssp = new DataView(size.buffer).getBigUint64(0, true);
      e.observe('is 0', ssp === 0n);
      set('unaligned', ssp + 1n);
      set('of the kernel', KERNEL_ADDRESS);
      set('as it was', ssp);
    },
    expect: `
      E: CONT = 0
      E: wait = stopped by SIGUSR1
      E: GETREGSET without = ENODEV
      E: SETREGSET without = ENODEV
      E: CONT = 0
      E: wait = stopped by SIGUSR2
      E: GETREGSET = 0
      E: is 0 = false
      E: SETREGSET unaligned = EINVAL
      E: SETREGSET of the kernel = EINVAL
      E: SETREGSET as it was = 0
    `,
  }),
];
