/** A child that can be mistreated: with arbitrary registers and memory it must not be able to do anything. */
import { hostSyscallNumber } from '../../lib/raw/host-syscalls.js';
import { type ChildScript, type ScriptChild, script } from '../../lib/raw/child.js';
import { child, readWord, until } from '../helpers/tracing.js';

const KILL_PROCESS = 0x8000_0000;
const TRACE = 0x7ff0_0000;
const ALLOW = 0x7fff_0000;

/** A seccomp filter that kills for every system call but these; `traced` calls a tracer. */
function only(traced: string, calls: readonly string[]): Uint8Array {
  const verdicts = [[traced, TRACE | 7] as const, ...calls.map((call) => [call, ALLOW] as const)].flatMap(
    ([call, verdict]) => {
      const number = hostSyscallNumber(call);
      return number === undefined ? [] : [{ number, verdict }];
    },
  );
  const instructions = [
    [0x20, 0, 0, 0] as const,
    ...verdicts.flatMap(({ number, verdict }) => [[0x15, 0, 1, number] as const, [0x06, 0, 0, verdict] as const]),
    [0x06, 0, 0, KILL_PROCESS] as const,
  ];
  const view = new DataView(new ArrayBuffer(8 * instructions.length));
  for (const [index, [code, jt, jf, k]] of instructions.entries()) {
    view.setUint16(8 * index, code, true);
    view.setUint8(8 * index + 2, jt);
    view.setUint8(8 * index + 3, jf);
    view.setUint32(8 * index + 4, k, true);
  }
  return new Uint8Array(view.buffer);
}

const harmless = (): ChildScript =>
  script()
    .handle('SIGUSR1', (s) => s.set(0))
    .buffer('room', 4096)
    .seccompFilter(
      only('getppid', ['pause', 'ppoll', 'rt_sigreturn', 'restart_syscall', 'exit', 'exit_group', 'getpid']),
    )
    .store('confined', 1)
    .loop((s) => s.pause());

/** A child that pauses, may exit and handles SIGUSR1; that stops with a seccomp event at getppid, and is killed by every other system call. */
export async function confined(): Promise<ScriptChild> {
  const started = child(harmless());
  await until(() => readWordOf(started) === 1n, 'the filter is installed');
  return started;
}

function readWordOf(started: ScriptChild): bigint {
  try {
    return readWord(started, 'confined');
  } catch {
    return 0n;
  }
}
