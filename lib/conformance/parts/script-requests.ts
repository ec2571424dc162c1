/** Requests of tracers that are scripts. */
import type { ChildScript, Value } from '../../raw/child.js';

/** In the script of a tracer: a request, and its result in a word. */
export function ask(c: ChildScript, word: string, request: number, tid: Value, addr: Value = 0, data: Value = 0): void {
  c.syscall('ptrace', request, tid, addr, data).store(word);
}
