/** Ways to the place of a scenario, of which its transcript says nothing. */
import type { Actor } from '../../actor.js';

/**
 * Goes on by SYSCALL up to the entry of a system call. It must not be in one of that name now; a tracee by TRACEME has the calls behind it that
 * every child begins with.
 */
export function toEntry(e: Actor, name: string): void {
  const number = e.syscallNumber(name);
  e.stage.unrecorded(() => {
    do {
      e.mustSucceed(e.syscall(), 'SYSCALL');
      e.wait();
    } while (e.registers().syscallNumber !== number);
  });
}

/** What a system call has given, as a process's name where it is one: the result register. */
export function resultRegister(e: Actor): string {
  return e.stage.nameOf(Number(e.registers().result));
}
