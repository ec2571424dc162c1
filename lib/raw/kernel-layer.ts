/**
 * The way to the kernel: ptrace(2), the waits, and what the addon keeps for them.
 *
 * All code above goes through the layer that is in use here, and never to the addon directly. So a virtual ptrace, or a kernel that lies, can
 * be put in its place.
 */
import { binding, type Binding } from '../binding.js';

/** What a replacement for the kernel has to offer. Every function keeps the contract that {@link Binding} states for it. */
export type KernelLayer = Pick<
  Binding,
  | 'ptrace'
  | 'ptraceBuffer'
  | 'ptraceIovec'
  | 'ptraceTwoBuffers'
  | 'wait4'
  | 'waitid'
  | 'pollTracee'
  | 'drain'
  | 'drainById'
  | 'track'
  | 'untrack'
  | 'endTracees'
  | 'bellOpen'
  | 'bellArm'
  | 'bellDisarm'
  | 'bellReference'
  | 'bellClose'
> & {
  /** Lets the layer do what it has to, while its user waits for something else than the layer. The kernel needs no such thing. */
  readonly idle?: () => void;
  /** Tells the layer of a status that somebody else on the same kernel has consumed, and that is about to be dispatched to who registered the tid here. */
  readonly taken?: (tid: number, status: number) => void;
};

// Read at every request: a plain variable of the module, no registry and no context.
let current: KernelLayer | undefined;

/**
 * The layer in use in this thread: the addon, unless another one was put in its place.
 *
 * @throws PtraceError 'unavailable' or 'second-copy' when the addon is asked for and cannot be loaded
 */
export function kernelLayer(): KernelLayer {
  return (current ??= binding());
}

/**
 * Puts another layer in use for all code of this thread, at once.
 *
 * What was started on the former layer (tracees, armed doorbells) stays there: change layers when nothing is traced.
 *
 * @param layer the new layer; undefined for the addon
 * @returns the layer that was in use, to be put back; undefined if that was the addon and it was not loaded yet
 */
export function useKernelLayer(layer: KernelLayer | undefined): KernelLayer | undefined {
  const former = current;
  current = layer;
  return former;
}

/**
 * Runs `body` on another layer and puts the former one back afterwards: when `body` returns, throws, or, if it gave a promise, when that is
 * settled. Between the awaits of such a `body` the whole thread is on the layer.
 *
 * @param layer the layer for the time of `body`; undefined for the addon
 * @returns what `body` returned
 */
export function withKernelLayer<T>(layer: KernelLayer | undefined, body: () => T): T {
  const former = useKernelLayer(layer);
  let pending = false;
  try {
    const result = body();
    if (result instanceof Promise) {
      pending = true;
      return result.finally(() => useKernelLayer(former)) as T;
    }
    return result;
  } finally {
    if (!pending) useKernelLayer(former);
  }
}
