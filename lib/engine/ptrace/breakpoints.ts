/**
 * Breakpoints of several clients in one memory: each sees its own and nobody else's.
 *
 * A client inserts a breakpoint by writing the breakpoint instruction with PTRACE_POKETEXT or POKEDATA. The instruction stays in memory while any client has it there; every
 * other client reads what it covers, and what such a client writes there is kept for when it goes. Its trap is told to those who have it. What is read or written by other
 * ways (process_vm_readv(2), /proc/pid/mem, the program itself) is the memory as it is; where the program has written over a breakpoint, there is none any more. A client that
 * detaches leaves its breakpoints in memory, as under the kernel's ptrace: they are nobody's then, and everybody sees them. A fork copies them with the memory.
 */
import { breakpointFor } from '../../kernel/breakpoint.js';
import { PTRACE } from '../../kernel/requests.js';
import type { KernelLayer } from '../../raw/kernel-layer.js';
import { HOST } from '../../tracer/host.js';
import type { Client } from './client.js';

const { bytes: INSTRUCTION, pcOffset } = breakpointFor(HOST === 'x64' ? 'x86_64' : 'aarch64');
const LENGTH = BigInt(INSTRUCTION.length);
/** On machines whose instructions are all of one length they are aligned. */
const STEP = INSTRUCTION.length;
const WORD = 8;

interface Site {
  readonly address: bigint;
  /** What the instruction covers. */
  readonly covered: Uint8Array;
  readonly owners: Set<Client>;
}

export { pcOffset };

/** The breakpoints in the memory of one process. */
export class Breakpoints {
  readonly #kernel: KernelLayer;
  readonly #sites = new Map<bigint, Site>();

  constructor(kernel: KernelLayer) {
    this.#kernel = kernel;
  }

  /** Those who have a breakpoint at an address. */
  ownersAt(address: bigint): ReadonlySet<Client> | undefined {
    return this.#sites.get(address)?.owners;
  }

  /** The memory is another one: an execve. */
  clear(): void {
    this.#sites.clear();
  }

  /** The memory was copied into that of a new process. */
  copy(): Breakpoints {
    const made = new Breakpoints(this.#kernel);
    for (const [address, { covered, owners }] of this.#sites) {
      made.#sites.set(address, { address, covered: covered.slice(), owners: new Set(owners) });
    }
    return made;
  }

  /** A client has left the process: what it has inserted is nobody's. */
  forget(client: Client): void {
    for (const { address, owners } of this.#sites.values()) {
      if (owners.delete(client) && owners.size === 0) this.#sites.delete(address);
    }
  }

  /** A word as a client sees it, from the word as it is. */
  hide(client: Client, address: bigint, word: Uint8Array): void {
    for (const site of this.#sites.values()) {
      if (!meets(address, site.address)) continue;
      if (!isAt(word, address, site.address)) this.#sites.delete(site.address);
      else if (!site.owners.has(client)) overlay(word, address, site.address, site.covered);
    }
  }

  /** PTRACE_POKEDATA of a client. Negative errno. */
  poke(client: Client, tid: number, address: bigint, value: bigint): number {
    const before = new BigUint64Array(1);
    const peeked = this.#kernel.ptraceBuffer(PTRACE.PEEKDATA, tid, address, before);
    if (peeked < 0) return this.#kernel.ptrace(PTRACE.POKEDATA, tid, address, value);
    const real = new Uint8Array(before.buffer);
    const seen = real.slice();
    this.hide(client, address, seen);
    const word = new Uint8Array(new BigUint64Array([BigInt.asUintN(64, value)]).buffer);
    for (let at = 0; at + STEP <= WORD; at += STEP) {
      this.#change(
        client,
        address + BigInt(at),
        real.subarray(at, at + STEP),
        seen.subarray(at, at + STEP),
        word.subarray(at, at + STEP),
      );
    }
    // A breakpoint that reaches into the word from outside, or out of it, stays as it is.
    for (const site of this.#sites.values()) overlay(word, address, site.address, INSTRUCTION);
    const result = this.#kernel.ptrace(PTRACE.POKEDATA, tid, address, new BigUint64Array(word.buffer)[0] ?? 0n);
    return result;
  }

  #change(client: Client, address: bigint, real: Uint8Array, seen: Uint8Array, written: Uint8Array): void {
    const site = this.#sites.get(address);
    const inserts = isInstruction(written);
    if (site === undefined) {
      if (inserts && !isInstruction(seen)) {
        this.#sites.set(address, { address, covered: real.slice(), owners: new Set([client]) });
      }
      return;
    }
    if (inserts) {
      site.owners.add(client);
      return;
    }
    site.covered.set(written);
    site.owners.delete(client);
    if (site.owners.size === 0) this.#sites.delete(address);
  }
}

const isInstruction = (bytes: Uint8Array): boolean => INSTRUCTION.every((byte, index) => bytes[index] === byte);

/** Whether a breakpoint reaches into a word. */
const meets = (address: bigint, at: bigint): boolean => at + LENGTH > address && at < address + BigInt(WORD);

/** Whether the part of a breakpoint that reaches into a word is there. */
function isAt(word: Uint8Array, address: bigint, at: bigint): boolean {
  const begin = Number(at - address);
  return INSTRUCTION.every((byte, index) => (word[begin + index] ?? byte) === byte);
}

/** Lays bytes at an address over a word at another one, where they meet. */
function overlay(word: Uint8Array, address: bigint, at: bigint, bytes: Uint8Array): void {
  if (!meets(address, at)) return;
  const begin = Number(at - address);
  for (const [index, byte] of bytes.entries()) {
    if (begin + index >= 0 && begin + index < WORD) word[begin + index] = byte;
  }
}
