/** Programs that were spawned here, from the hold before their first step until they are reaped: children of this process, whose memory is to be given back. */
import { binding } from '../binding.js';
import { PTRACE } from '../kernel/requests.js';
import { W } from '../kernel/wait-flags.js';
import { requestFailed } from '../raw/failure.js';
import type { KernelLayer } from '../raw/kernel-layer.js';
import { spawnHeld, type HeldChild, type SpawnOptions } from '../raw/spawn.js';

export class OwnPrograms {
  readonly #held = new Map<number, HeldChild>();
  /** Those that have not begun. */
  readonly #unreleased = new Set<HeldChild>();

  /**
   * Spawns a program that is held, and seizes it.
   *
   * @param ptraceOptions PTRACE_O bits
   * @returns its pid, and what lets it begin
   * @throws PtraceError of the spawn, or of PTRACE_SEIZE: the child is gone then
   */
  spawn(
    layer: KernelLayer,
    options: SpawnOptions,
    ptraceOptions: number,
  ): { readonly pid: number; readonly release: () => void } {
    const held = spawnHeld(options);
    const { pid } = held;
    const result = layer.ptrace(PTRACE.SEIZE, pid, 0, ptraceOptions);
    if (result < 0) {
      held.cancel();
      binding().wait4(pid, W.__WALL, new Int32Array(1), null);
      held.free();
      binding().forgetChild(pid);
      throw requestFailed(PTRACE.SEIZE, pid, -result);
    }
    this.#held.set(pid, held);
    this.#unreleased.add(held);
    const release = (): void => {
      held.release();
      this.#unreleased.delete(held);
    };
    return { pid, release };
  }

  /** Whether a process was spawned here and is not reaped yet. */
  has(pid: number): boolean {
    return this.#held.has(pid);
  }

  /** Gives up those that have not begun: they never execute. */
  cancel(): void {
    for (const held of this.#unreleased) held.cancel();
    this.#unreleased.clear();
  }

  /** A process has executed a program, and needs none of our memory any more. */
  executed(pid: number): void {
    this.#held.get(pid)?.free();
  }

  /** A process was reaped. */
  reaped(pid: number): void {
    const held = this.#held.get(pid);
    if (held === undefined) return;
    this.#held.delete(pid);
    held.free();
    binding().forgetChild(pid);
  }
}
