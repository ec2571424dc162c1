/** The escape: any request by its number, known or not. */
import { checkBuffer, checkUint32, checkWord } from '../arguments.js';
import { badInput } from '../errors.js';
import { PTRACE, STRUCT_SIZE } from '../kernel/requests.js';
import { decodePeeksiginfoArgs } from '../kernel/structs.js';
import { forgetAttached, noteAttached } from './attached.js';
import { nameOfRequest } from './failure.js';
import { invoke, invokeBuffer, invokeIovec, invokeTwoBuffers, tidOf } from './invoke.js';
import { requestShape } from './request-shapes.js';
import { roomForFilter } from './seccomp.js';
import { lengthOf, prefixOf } from './views.js';

/** `addr` or `data`: a word; a buffer, for a pointer to it; null for the null pointer. */
export type RequestArgument = bigint | number | NodeJS.ArrayBufferView | ArrayBufferLike | null;

// What is kept free behind the copy of a buffer that an unknown request gets.
const MARGIN = 4096;

const isWord = (value: unknown): value is bigint | number => typeof value === 'bigint' || typeof value === 'number';

/**
 * Makes any request, so that a kernel newer than this package can be used, and one that misbehaves be provoked. Arguments that the functions
 * of this package would refuse (a signal of 65, unknown options, a wrong size) do reach the kernel.
 *
 * A request whose `addr` or `data` is a pointer takes a buffer there, or null for the null pointer. For a known request a word in its place
 * is refused, for it would have the kernel read or write anywhere in this process, and so is a buffer too short. An **unknown** request gets
 * words as they are: what the kernel does with them is for the caller to know. A buffer is given to it as a copy with 4096 bytes of room
 * behind, and copied back.
 *
 * TRACEME and ARCH_PRCTL are not to be had here: see {@link traceme}, {@link archPrctlGet}, {@link archPrctlSet}.
 *
 * @param number the request's number
 * @param tid the tracee
 * @param addr a word; for PEEKSIGINFO a buffer with `struct ptrace_peeksiginfo_args`
 * @param data a word, a buffer or null. For requests that take an iovec: the buffer that it describes.
 * @returns what the kernel returned, or for a request with an iovec the length that it left there
 * @throws PtraceError 'bad-input' where a word stands for a pointer or a buffer is too short; what the request itself fails with;
 * 'not-supported' (EIO) for a request that the kernel does not know
 *
 * Source: ptrace(2).
 */
export function request(number: number, tid: number, addr: RequestArgument, data: RequestArgument): number {
  const checked = checkUint32('ptrace', number, 'request');
  const checkedTid = tidOf(checked, tid);
  const result = known(checked, checkedTid, addr, data);
  if (checked === PTRACE.ATTACH || checked === PTRACE.SEIZE) noteAttached(checkedTid);
  else if (checked === PTRACE.DETACH) forgetAttached(checkedTid);
  return result;
}

function known(number: number, tid: number, addr: RequestArgument, data: RequestArgument): number {
  const name = nameOfRequest(number);
  const shape = requestShape(number);
  switch (shape?.kind) {
    case undefined:
      return unknownRequest(name, number, tid, addr, data);
    case 'refused':
      throw badInput(name, `it is not to be had by its number, use ${shape.instead}`, tid);
    case 'words':
      return invoke(number, tid, wordOf(name, addr, 'addr'), wordOf(name, data, 'data'));
    case 'buffer':
      return onBuffer(name, number, tid, wordOf(name, addr, 'addr'), data, shape.size);
    case 'sized-buffer': {
      const size = wordOf(name, addr, 'addr');
      return onBuffer(name, number, tid, size, data, size);
    }
    case 'iovec': {
      const type = wordOf(name, addr, 'addr');
      if (data === null) return invoke(number, tid, type, 0);
      return invokeIovec(number, tid, type, pointerOf(name, data, 0));
    }
    case 'peeksiginfo':
      return peeksiginfo(name, number, tid, addr, data);
    case 'filter': {
      const index = wordOf(name, addr, 'addr');
      return data === null ? invoke(number, tid, index, 0) : filter(name, number, tid, index, data);
    }
  }
}

function wordOf(name: string, value: unknown, what: string): bigint {
  if (value === null) return 0n;
  return checkWord(name, value, what);
}

function pointerOf(name: string, value: unknown, size: number | bigint, what = 'data'): Uint8Array {
  if (isWord(value)) {
    throw badInput(name, `${what} is a pointer into this process: give a buffer, or null for the null pointer`);
  }
  const bytes = checkBuffer(name, value, 0, what);
  if (BigInt(lengthOf(bytes)) < size)
    throw badInput(name, `${what} has ${lengthOf(bytes)} bytes, want at least ${size}`);
  return bytes;
}

function onBuffer(
  name: string,
  number: number,
  tid: number,
  addr: bigint,
  data: RequestArgument,
  size: number | bigint,
): number {
  if (data === null) return invoke(number, tid, addr, 0);
  return invokeBuffer(number, tid, addr, pointerOf(name, data, size));
}

function peeksiginfo(name: string, number: number, tid: number, addr: RequestArgument, data: RequestArgument): number {
  // Of the null pointer the kernel reads nothing.
  if (addr === null) return invoke(number, tid, 0, 0);
  // A copy: memory that other threads share could say something else by the time the kernel reads it.
  const args = new Uint8Array(prefixOf(pointerOf(name, addr, STRUCT_SIZE.PEEKSIGINFO_ARGS, 'addr'), 16));
  const count = Math.max(0, decodePeeksiginfoArgs(args).count);
  return invokeTwoBuffers(number, tid, args, data === null ? 0 : pointerOf(name, data, count * STRUCT_SIZE.SIGINFO));
}

function filter(name: string, number: number, tid: number, index: bigint, data: RequestArgument): number {
  const bytes = pointerOf(name, data, 0);
  const room = roomForFilter();
  const instructions = invokeBuffer(number, tid, index, room);
  const size = instructions * STRUCT_SIZE.SOCK_FILTER;
  if (lengthOf(bytes) < size) throw badInput(name, `data has ${lengthOf(bytes)} bytes, want at least ${size}`, tid);
  prefixOf(bytes, size).set(room.subarray(0, size));
  return instructions;
}

function unknownRequest(
  name: string,
  number: number,
  tid: number,
  addr: RequestArgument,
  data: RequestArgument,
): number {
  const addrCopy = roomyCopy(name, addr, 'addr');
  const dataCopy = roomyCopy(name, data, 'data');
  if (addrCopy === undefined && dataCopy === undefined) {
    return invoke(number, tid, wordOf(name, addr, 'addr'), wordOf(name, data, 'data'));
  }
  const dataWord = dataCopy === undefined ? wordOf(name, data, 'data') : undefined;
  const result =
    addrCopy === undefined
      ? invokeBuffer(number, tid, wordOf(name, addr, 'addr'), (dataCopy as Copy).room)
      : invokeTwoBuffers(number, tid, addrCopy.room, dataCopy?.room ?? dataWord ?? 0n);
  addrCopy?.putBack();
  dataCopy?.putBack();
  return result;
}

interface Copy {
  readonly room: Uint8Array;
  putBack(): void;
}

function roomyCopy(name: string, value: unknown, what: string): Copy | undefined {
  if (value === null || isWord(value)) return undefined;
  const bytes = checkBuffer(name, value, 0, what);
  const length = lengthOf(bytes);
  const room = new Uint8Array(length + MARGIN);
  const original = prefixOf(bytes, length);
  room.set(original);
  return {
    room,
    putBack: () => {
      original.set(room.subarray(0, length));
    },
  };
}
