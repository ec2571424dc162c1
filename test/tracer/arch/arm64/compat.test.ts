/** Programs of AArch32. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeHwBreakpoint, encodeHwDebugState } from '../../../../lib/kernel/arch/arm64/debug-registers.js';
import { AUDIT_ARCH } from '../../../../lib/kernel/audit-arch.js';
import { ERRNO } from '../../../../lib/kernel/errno.js';
import { NT } from '../../../../lib/kernel/regsets.js';
import { syscallNumber } from '../../../../lib/kernel/syscalls.js';
import { getRegset, setRegset } from '../../../../lib/raw/registers.js';
import { isEnd, type SpawnedTracee } from '../../../../lib/tracer/index.js';
import { describeStop, expectKind, newTracer, within } from '../../../helpers/tracing.js';
import { ARM64, breakpoint, bytesOf, step } from './code.js';

const BASE = 0x40_0000;
const HEADERS = 52 + 32;

/** An ELF file of one segment. Source: elf(5). */
function elf32(code: Uint8Array): Uint8Array {
  const [ET_EXEC, EM_ARM, EABI5, PT_LOAD, READABLE_AND_EXECUTABLE] = [2, 40, 0x0500_0000, 1, 5];
  const bytes = new Uint8Array(HEADERS + code.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint16(16, ET_EXEC, true);
  view.setUint16(18, EM_ARM, true);
  for (const [at, word] of [
    [20, 1],
    [24, BASE + HEADERS],
    [28, 52],
    [36, EABI5],
    [52, PT_LOAD],
    [60, BASE],
    [64, BASE],
    [68, bytes.length],
    [72, bytes.length],
    [76, READABLE_AND_EXECUTABLE],
    [80, 0x1_0000],
  ] as const)
    view.setUint32(at, word, true);
  for (const [at, half] of [
    [40, 52],
    [42, 32],
    [44, 1],
    [46, 40],
  ] as const)
    view.setUint16(at, half, true);
  bytes.set(code, HEADERS);
  return bytes;
}

/** A32: getpid; a breakpoint; write(1, "arm32\n", 6); exit_group(42). Each number is an immediate in the last byte. */
const CODE = [
  0xe3a07014, // mov r7, #20
  0xef000000, // svc #0
  0xe7f001f0, // the undefined instruction that is a breakpoint
  0xe3a07004, // mov r7, #4
  0xe3a00001, // mov r0, #1
  0xe28f1014, // adr r1, text
  0xe3a02006, // mov r2, #6
  0xef000000, // svc #0
  0xe3a070f8, // mov r7, #248
  0xe3a0002a, // mov r0, #42
  0xef000000, // svc #0
  0xeafffffe, // b .
  0x336d7261, // "arm32\n"
  0x00000a32,
];
const ENTRY = BigInt(BASE + HEADERS);

const folder = mkdtempSync(join(tmpdir(), 'linux-ptrace-arm32-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The path of the program, or why there is none. */
function program32(): { path: string } | { missing: string } {
  if (!ARM64) return { missing: 'arm64 only' };
  const path = join(folder, 'program');
  writeFileSync(path, elf32(bytesOf(CODE)), { mode: 0o755 });
  // Untraced it dies of its breakpoint.
  const { signal } = spawnSync(path);
  return signal === 'SIGTRAP' ? { path } : { missing: 'this kernel or CPU runs no AArch32 programs' };
}

const program = program32();
const missing = 'missing' in program ? program.missing : undefined;

async function spawned(): Promise<SpawnedTracee> {
  if ('missing' in program) throw new Error(program.missing);
  const tracee = await newTracer().spawn(program.path, [], { stdio: ['null', 'pipe', 'inherit'] });
  // The way out of the execve is the first step.
  await step(tracee);
  return tracee;
}

describe.skipIf(missing !== undefined)(`a program of AArch32${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('is traced with its own registers, breakpoints and steps', async () => {
    const tracee = await spawned();
    const { registers } = tracee;
    expect([registers.abi, registers.bytes.length]).toEqual(['arm', 72]);
    expect(registers.pc).toBe(ENTRY);
    await step(tracee);
    expect(tracee.registers.pc).toBe(ENTRY + 4n);
    expect(tracee.registers.get('r7')).toBe(20n);
    const trap = await breakpoint(tracee.resume());
    expect(trap.address).toBe(ENTRY + 8n);
    expect(tracee.registers.pc).toBe(ENTRY + 8n);
    expect(tracee.registers.result).toBe(BigInt(tracee.pid));
    tracee.registers.pc += 4n;

    const calls: string[] = [];
    let stop = await within(tracee.resume('syscall'), 'the first call');
    while (!isEnd(stop)) {
      if (stop.kind === 'syscall-entry') {
        expect([stop.abi, stop.arch, stop.instructionPointer]).toEqual(['arm', AUDIT_ARCH.ARM, tracee.registers.pc]);
        // The marker is in r12: 0 at the entry, 1 at the exit.
        expect(tracee.registers.get('r12')).toBe(0n);
        calls.push(`${stop.name} ${stop.args[0]}`);
      } else {
        expect(tracee.registers.get('r12')).toBe(1n);
        calls.push(describeStop(stop).replace(/^\d+: /, ''));
      }
      stop = await within(tracee.resume('syscall'), 'the next stop');
    }
    expect(calls).toEqual(['write 1', 'syscall-exit', 'exit_group 42']);
    expect(stop).toMatchObject({ kind: 'exited', code: 42 });
    const output: Buffer[] = [];
    if (tracee.stdout !== null) for await (const chunk of tracee.stdout) output.push(chunk as Buffer);
    expect(Buffer.concat(output).toString()).toBe('arm32\n');
  });

  it('has system calls that can be changed, by the numbers of its table, and skipped', async () => {
    const tracee = await spawned();
    const first = expectKind(await within(tracee.resume('syscall'), 'the entry'), 'syscall-entry');
    expect([first.name, first.number]).toEqual(['getpid', 20]);
    first.setNumber(syscallNumber('arm', 'getppid') ?? -1);
    const changed = expectKind(await within(first.resume('syscall'), 'the exit'), 'syscall-exit');
    expect(changed.result).toBe(BigInt(process.pid));
    await breakpoint(changed.resume());

    tracee.registers.pc = ENTRY;
    const second = expectKind(await within(tracee.resume('syscall'), 'the entry'), 'syscall-entry');
    second.skip();
    const skipped = expectKind(await within(second.resume('syscall'), 'the exit'), 'syscall-exit');
    expect(skipped).toMatchObject({ isError: true, errno: ERRNO.ENOSYS });
    skipped.setResult(77);
    await breakpoint(skipped.resume());
    expect(tracee.registers.result).toBe(77n);
  });

  it('has hardware breakpoints, VFP registers and a thread pointer of its own', async () => {
    const tracee = await spawned();
    setRegset(tracee.tid, NT.ARM_HW_BREAK, encodeHwDebugState([encodeHwBreakpoint(ENTRY + 4n)]));
    const stop = await breakpoint(tracee.resume());
    expect([stop.hardware, stop.address, tracee.registers.pc]).toEqual([true, ENTRY + 4n, ENTRY + 4n]);
    expect(getRegset(tracee.tid, NT.ARM_VFP).length).toBe(260);
    expect(getRegset(tracee.tid, NT.ARM_TLS).length).toBe(4);
  });
});
