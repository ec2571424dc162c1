/** A seccomp filter that hands a system call to the tracer, written by hand: no compiler, no library. */
import { hostSyscallNumber } from '../../raw/host-syscalls.js';

const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
const RET_TRACE = 0x7ff0_0000;
const RET_ALLOW = 0x7fff_0000;

/** One instruction: struct sock_filter. */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number];

function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(8 * instructions.length));
  instructions.forEach(([code, ifTrue, ifFalse, operand], index) => {
    bytes.setUint16(8 * index, code, true);
    bytes.setUint8(8 * index + 2, ifTrue);
    bytes.setUint8(8 * index + 3, ifFalse);
    bytes.setUint32(8 * index + 4, operand >>> 0, true);
  });
  return new Uint8Array(bytes.buffer);
}

/** SECCOMP_RET_TRACE for one system call; all others are made. */
export function traceFilter(call: string): Uint8Array {
  return encode([
    [LOAD_WORD, 0, 0, 0],
    [JUMP_IF_EQUAL, 0, 1, hostSyscallNumber(call) ?? -1],
    [RETURN, 0, 0, RET_TRACE],
    [RETURN, 0, 0, RET_ALLOW],
  ]);
}
