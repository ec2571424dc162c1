// Sets a breakpoint on a program's entry point and prints the arguments that it finds on the stack there.
//   node --import tsx examples/breakpoint.ts ls -l /
import { readFileSync } from 'node:fs';
import { breakpointFor, Tracer } from 'linux-ptrace';

const [file = 'true', ...args] = process.argv.slice(2);
await using tracer = new Tracer();
const tracee = await tracer.spawn(file, args);

// The kernel tells the program its entry point in the auxiliary vector, as AT_ENTRY.
const AT_ENTRY = 9n;
const auxv = readFileSync(`/proc/${tracee.pid}/auxv`);
const words = new BigUint64Array(auxv.buffer.slice(auxv.byteOffset, auxv.byteOffset + auxv.length));
const entry = words[words.findIndex((word, index) => index % 2 === 0 && word === AT_ENTRY) + 1];
if (entry === undefined) throw new Error('no AT_ENTRY');

const breakpoint = breakpointFor(tracee.registers.abi);
const original = tracee.memory.read(entry, breakpoint.bytes.length).bytes.slice();
tracee.memory.write(entry, breakpoint.bytes);

const hit = await tracee.resume();
if (hit.kind !== 'breakpoint' || hit.address !== entry) throw new Error(`unexpected ${hit.kind}`);

// At the entry point the stack holds argc, then the pointers of argv.
const sp = tracee.registers.sp;
const word = (address: bigint): bigint => {
  const { bytes } = tracee.memory.read(address, 8);
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
};
const argc = Number(word(sp));
console.log(`breakpoint at 0x${entry.toString(16)}: argc = ${argc}`);
for (let index = 0; index < argc; index++) {
  console.log(
    `  argv[${index}] = ${JSON.stringify(tracee.memory.readCString(word(sp + 8n * BigInt(index + 1))).text)}`,
  );
}

// Take the breakpoint out, go back to it, and let the program run.
tracee.memory.write(entry, original);
tracee.registers.pc = entry;
const end = await tracee.resume();
console.log(end.kind === 'exited' ? `exited with ${end.code}` : end.kind);
