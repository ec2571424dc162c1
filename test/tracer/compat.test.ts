/** System calls of the other ABIs of x86-64: i386 through int 0x80, programs of i386, and x32. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { binding } from '../../lib/binding.js';
import { AUDIT_ARCH, X32_SYSCALL_BIT } from '../../lib/kernel/audit-arch.js';
import { ERRNO } from '../../lib/kernel/errno.js';
import { syscallNumber } from '../../lib/kernel/syscalls.js';
import { W } from '../../lib/kernel/wait-flags.js';
import { type ChildScript, result, run, script } from '../../lib/raw/child.js';
import { isEnd, type Stop, type SyscallEntryStop, type SyscallExitStop, type Tracee } from '../../lib/tracer/index.js';
import { describeStop, has, newTracer, within } from '../helpers/tracing.js';
import { held, nr, RET, runTo, seccompFilter } from './programs.js';

const X64 = process.arch === 'x64';

const i386 = (name: string): number => syscallNumber('i386', name) ?? -1;

/** What a child answers that only calls something: whether this machine's kernel has it. */
function works(part: ChildScript): boolean {
  const pid = run(part);
  const status = new Int32Array(1);
  binding().wait4(pid, W.__WALL, status, null);
  binding().forgetChild(pid);
  return status[0] === 0;
}
const exitsIfNosys = (s: ChildScript): ChildScript =>
  s.when(result, '==', -ERRNO.ENOSYS, (w) => w.exitGroup(1)).exitGroup(0);
const hasI386 = X64 && works(exitsIfNosys(script().syscall32(i386('getpid'))));
const hasX32 = X64 && works(exitsIfNosys(script().syscall(X32_SYSCALL_BIT | nr('getpid'))));

/** All system calls from a point on, each by its entry and its exit, to the tracee's end. */
async function callsOf(
  tracee: Tracee,
  first: PromiseLike<Stop>,
): Promise<{ calls: { entry: SyscallEntryStop; exit: SyscallExitStop | undefined }[]; end: Stop }> {
  const calls: { entry: SyscallEntryStop; exit: SyscallExitStop | undefined }[] = [];
  let stop = await within(first, 'the first stop');
  while (!isEnd(stop)) {
    const last = calls.at(-1);
    if (stop.kind === 'syscall-entry') calls.push({ entry: stop, exit: undefined });
    else if (stop.kind === 'syscall-exit' && last !== undefined && stop.entry === last.entry) last.exit = stop;
    const now = describeStop(stop);
    stop = await within(tracee.resume('syscall'), () => `a stop after ${now}`);
  }
  return { calls, end: stop };
}

const noI386 = !X64 ? 'only x86-64 has it' : hasI386 ? undefined : 'this kernel has no int 0x80';
describe.skipIf(noI386 !== undefined)(`i386 calls of a 64-bit program${noI386 ? ` (skipped: ${noI386})` : ''}`, () => {
  it('are told with their ABI, number, name and arguments', async () => {
    const part = await held((s) =>
      s
        .syscall32(i386('getpid'))
        .store('pid')
        .syscall('getpid')
        .syscall32(i386('dup3'), 0xffff_ffff, 2, 3, 4, 5)
        .syscall32(i386('write'), -1, 0, 0)
        .exitGroup(7),
    );
    const { calls, end } = await callsOf(part.tracee, part.go('syscall'));
    const own = calls.slice(calls.findIndex(({ entry }) => entry.abi === 'i386'));
    expect(own.map(({ entry }) => [entry.abi, entry.name, entry.number, entry.arch])).toEqual([
      ['i386', 'getpid', 20, AUDIT_ARCH.I386],
      ['x86_64', 'getpid', 39, AUDIT_ARCH.X86_64],
      ['i386', 'dup3', 330, AUDIT_ARCH.I386],
      ['i386', 'write', 4, AUDIT_ARCH.I386],
      ['x86_64', 'exit_group', 231, AUDIT_ARCH.X86_64],
    ]);
    expect(own[2]?.entry.args.slice(0, 5)).toEqual([0xffff_ffffn, 2n, 3n, 4n, 5n]);
    expect(own[0]?.exit).toMatchObject({ result: BigInt(part.started.pid), abi: 'i386', isError: false });
    expect([own[3]?.exit?.isError, own[3]?.exit?.errno, own[3]?.exit?.abi]).toEqual([true, ERRNO.EBADF, 'i386']);
    expect(end).toMatchObject({ kind: 'exited', code: 7 });
  });

  it('are changed by numbers of their own table, and skipped', async () => {
    const part = await held((s) =>
      s
        .syscall32(i386('getuid32'))
        .store('changed')
        .syscall32(i386('getppid'))
        .store('skipped')
        .syscall32(i386('getppid'))
        .store('result')
        .exitGroup(0),
    );
    let seen = 0;
    let stop = await within(part.go('syscall'), 'the first stop');
    while (!isEnd(stop)) {
      if (stop.kind === 'syscall-entry' && stop.abi === 'i386') {
        if (++seen === 1) stop.setNumber(i386('getpid'));
        if (seen === 2) stop.skip();
      }
      if (stop.kind === 'syscall-exit' && stop.abi === 'i386' && seen === 3) stop.setResult(4711);
      if (stop.kind === 'syscall-entry' && stop.name === 'exit_group') {
        expect(part.word('changed')).toBe(BigInt(part.started.pid));
        expect(BigInt.asIntN(32, part.word('skipped'))).toBe(BigInt(-ERRNO.ENOSYS));
        expect(part.word('result')).toBe(4711n);
      }
      stop = await within(stop.resume('syscall'), 'the next stop');
    }
    expect([seen, stop.kind]).toEqual([3, 'exited']);
  });

  it('are seen by a seccomp stop as what they are', async () => {
    // 39 is getpid for x86-64 and mkdir for i386: the filter looks at the number alone.
    const part = await held(
      (s) =>
        s
          .seccompFilter(seccompFilter({ getpid: RET.trace(1) }))
          .syscall32(39, 0, 0)
          .exitGroup(0),
      { events: ['seccomp'] },
    );
    part.tracee.memory.write(part.started.address('go'), Uint8Array.of(1));
    const stop = await runTo(part.tracee, 'seccomp');
    expect([stop.abi, stop.number, stop.name, stop.arch]).toEqual(['i386', 39, 'mkdir', AUDIT_ARCH.I386]);
    expect((await within(stop.resume(), 'the end')).kind).toBe('exited');
  });
});

// --- A program of i386 ---

const folder = mkdtempSync(join(tmpdir(), 'linux-ptrace-i386-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const SOURCE = `
static int call(int number, int a, int b, int c) {
  int result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
  return result;
}
void _start(void) {
  call(20, 0, 0, 0);
  __asm__ volatile("int3");
  call(4, 1, (int)"i386\\n", 5);
  call(252, 42, 0, 0);
  for (;;);
}
`;

/** The path of the program, or why there is none. */
function program32(): { path: string } | { missing: string } {
  if (noI386 !== undefined) return { missing: noI386 };
  if (!has('gcc')) return { missing: 'no gcc here' };
  const source = join(folder, 'program.c');
  const path = join(folder, 'program');
  writeFileSync(source, SOURCE);
  try {
    const flags = [
      '-m32',
      '-O1',
      '-static',
      '-nostdlib',
      '-ffreestanding',
      '-fno-pic',
      '-no-pie',
      '-fno-stack-protector',
    ];
    execFileSync('gcc', [...flags, '-o', path, source], { stdio: 'pipe' });
    execFileSync(path, { stdio: 'pipe' });
  } catch (error) {
    // Untraced it dies of its breakpoint; a compiler or a kernel that cannot do this fails in another way.
    const failure = error as { signal?: string };
    if (failure.signal !== 'SIGTRAP') return { missing: 'gcc -m32 makes nothing that runs here' };
  }
  return { path };
}

const program = program32();
const noProgram = 'missing' in program ? program.missing : undefined;
describe.skipIf(noProgram !== undefined)(`a program of i386${noProgram ? ` (skipped: ${noProgram})` : ''}`, () => {
  it('is traced with its own registers, breakpoints and steps', async () => {
    if ('missing' in program) return;
    const tracer = newTracer();
    const tracee = await tracer.spawn(program.path, [], { stdio: ['null', 'pipe', 'inherit'] });
    const { registers } = tracee;
    expect([registers.abi, registers.bytes.length]).toEqual(['i386', 68]);
    // The first step is the way out of the execve.
    expect((await within(tracee.resume('step'), 'a step')).kind).toBe('step');
    const begin = tracee.registers.pc;
    expect(begin).toBe(registers.pc);
    expect((await within(tracee.resume('step'), 'another step')).kind).toBe('step');
    expect(tracee.registers.pc).toBeGreaterThan(begin);
    const trap = await within(tracee.resume(), 'the breakpoint');
    if (trap.kind !== 'breakpoint') throw new Error(describeStop(trap));
    expect(trap.address).toBe(tracee.registers.pc - 1n);
    expect(tracee.registers.result).toBe(BigInt(tracee.pid));
    const { calls, end } = await callsOf(tracee, tracee.resume('syscall'));
    expect(calls.map(({ entry, exit }) => [entry.abi, entry.name, exit?.result])).toEqual([
      ['i386', 'write', 5n],
      ['i386', 'exit_group', undefined],
    ]);
    expect(end).toMatchObject({ kind: 'exited', code: 42 });
    const output: Buffer[] = [];
    if (tracee.stdout !== null) for await (const chunk of tracee.stdout) output.push(chunk as Buffer);
    expect(Buffer.concat(output).toString()).toBe('i386\n');
  });
});

// A kernel without x32 takes such a number for what it is to it: a call that there is not.
describe.skipIf(!X64)('a system call number with the bit of x32', () => {
  it('is told as x32, whatever the kernel answers', async () => {
    const part = await held((s) => s.syscall(X32_SYSCALL_BIT | nr('getpid')).exitGroup(0));
    const { calls } = await callsOf(part.tracee, part.go('syscall'));
    const own = calls.find(({ entry }) => entry.abi === 'x32');
    expect([own?.entry.name, own?.entry.number]).toEqual(['getpid', X32_SYSCALL_BIT | nr('getpid')]);
    expect(own?.exit?.result).toBe(hasX32 ? BigInt(part.started.pid) : BigInt(-ERRNO.ENOSYS));
  });
});
