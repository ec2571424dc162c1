// Logs every system call of a program and of all it starts.   node --import tsx examples/syscall-logger.ts ls -l
import { errnoName, Tracer, type SyscallEntryStop } from 'linux-ptrace';

const [file = 'true', ...args] = process.argv.slice(2);
await using tracer = new Tracer({ resume: 'syscall' });
await tracer.spawn(file, args);

const hex = (value: bigint): string => (value < 4096n ? String(value) : `0x${value.toString(16)}`);

/** The call as it was made; a path where the first or second argument of a file call is one. */
function call(entry: SyscallEntryStop): string {
  const path = { open: 0, execve: 0, access: 0, readlink: 0, openat: 1, newfstatat: 1, faccessat2: 1 }[entry.name];
  const shown = entry.args.map((value, index) =>
    index === path && value !== 0n ? JSON.stringify(entry.tracee.memory.readCString(value).text) : hex(value),
  );
  return `${entry.name}(${shown.join(', ')})`;
}

const calls = new Map<number, string>();
for await (const stop of tracer) {
  if (stop.kind === 'syscall-entry') {
    calls.set(stop.tid, call(stop));
  } else if (stop.kind === 'syscall-exit') {
    const result = stop.isError ? `-1 ${errnoName(stop.errno)}` : hex(BigInt.asUintN(64, stop.result));
    console.error(`[${stop.tid}] ${calls.get(stop.tid) ?? '...'} = ${result}`);
  } else if (stop.kind === 'signal-delivery') {
    console.error(`[${stop.tid}] --- ${stop.signalName} (${stop.siginfo.codeName}) ---`);
  } else if (stop.kind === 'exited') {
    console.error(`[${stop.tid}] +++ exited with ${stop.code} +++`);
  } else if (stop.kind === 'killed') {
    console.error(`[${stop.tid}] +++ killed by ${stop.signalName} +++`);
  }
}
