/**
 * The thread's doorbell: SIGCHLD as libuv delivers it to this thread's event loop, shared by everything here that sleeps.
 *
 * A ring says only "look again". Signals merge, and every stop or death of any child of the whole process rings, so a ring may be for
 * somebody else and one ring may stand for many stops. Who sleeps must therefore: arm, **look once more** (what came before arming rang for
 * nobody), return to the event loop.
 *
 * Stops ring only while some listener of the process is armed; while none is, the SIGCHLD handler carries SA_NOCLDSTOP, so that a tracee
 * that stops 100,000 times a second costs no signal at all. Deaths always ring.
 */
import { PtraceError } from '../errors.js';
import { kernelLayer, type KernelLayer } from './kernel-layer.js';

/** One user of the doorbell. All methods may be called in any state and any number of times. */
export interface Listener {
  /** Whether stops ring for this listener. */
  readonly armed: boolean;
  readonly closed: boolean;
  /** Lets stops ring. Look once more afterwards: a stop that came before rings no more. */
  arm(): void;
  /** Undoes {@link arm}. Rings can still come: for deaths, and for what other listeners armed the doorbell for. */
  disarm(): void;
  /** Whether this listener keeps the event loop alive. At first it does not. */
  reference(on: boolean): void;
  /** Disarms, gives up the reference, and is never called again, not even by a ring that is under way. */
  close(): void;
}

/** The bell of one kernel in this thread. Open while it has listeners. */
class Doorbell {
  readonly #layer: KernelLayer;
  readonly #listeners = new Set<BellListener>();
  #armed = 0;
  #references = 0;

  constructor(layer: KernelLayer) {
    this.#layer = layer;
  }

  add(listener: BellListener): void {
    if (this.#listeners.size === 0) {
      const error = this.#layer.bellOpen(() => {
        this.#ring();
      });
      if (error !== 0) throw cannotOpen(error);
    }
    this.#listeners.add(listener);
  }

  remove(listener: BellListener): void {
    if (!this.#listeners.delete(listener)) return;
    if (this.#listeners.size === 0) this.#layer.bellClose();
  }

  arm(): void {
    if (this.#armed++ === 0) this.#layer.bellArm();
  }

  disarm(): void {
    if (--this.#armed === 0) this.#layer.bellDisarm();
  }

  reference(): void {
    if (this.#references++ === 0) this.#layer.bellReference(true);
  }

  unreference(): void {
    if (--this.#references === 0) this.#layer.bellReference(false);
  }

  #ring(): void {
    // A copy: callbacks open and close listeners.
    for (const listener of [...this.#listeners]) listener.ring();
  }
}

class BellListener implements Listener {
  readonly #bell: Doorbell;
  readonly #callback: () => void;
  #armed = false;
  #referenced = false;
  #closed = false;

  constructor(bell: Doorbell, callback: () => void) {
    this.#bell = bell;
    this.#callback = callback;
    bell.add(this);
  }

  get armed(): boolean {
    return this.#armed;
  }

  get closed(): boolean {
    return this.#closed;
  }

  arm(): void {
    if (this.#armed || this.#closed) return;
    this.#armed = true;
    this.#bell.arm();
  }

  disarm(): void {
    if (!this.#armed) return;
    this.#armed = false;
    this.#bell.disarm();
  }

  reference(on: boolean): void {
    if (on === this.#referenced || this.#closed) return;
    this.#referenced = on;
    if (on) this.#bell.reference();
    else this.#bell.unreference();
  }

  close(): void {
    if (this.#closed) return;
    this.disarm();
    this.reference(false);
    this.#closed = true;
    this.#bell.remove(this);
  }

  ring(): void {
    if (this.#closed) return;
    try {
      this.#callback();
    } catch (error) {
      // The other listeners must hear the ring; the exception must be heard too.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

function cannotOpen(error: number): PtraceError {
  return new PtraceError({
    request: 'doorbell',
    reason: 'kernel',
    // libuv's errors are negative errnos.
    errno: -error,
    detail: 'the event loop of this thread does not take a handler for SIGCHLD',
  });
}

/** By what opens it: layers that are put on the same kernel have one bell, which rings for all of them. */
const bells = new WeakMap<KernelLayer['bellOpen'], Doorbell>();

/**
 * Adds a listener to the doorbell of this thread. The doorbell is opened with its first listener and closed with its last.
 *
 * The listener starts disarmed and does not keep the event loop alive.
 *
 * @param callback called at each ring, from the event loop. It looks for what it waits for, and bears a ring that is not for it. An exception
 * becomes an uncaught exception of the thread; other listeners are rung all the same.
 * @param layer whose bell; without it, that of the layer in use
 * @throws PtraceError 'kernel' when libuv refuses the handle
 */
export function listen(callback: () => void, layer: KernelLayer = kernelLayer()): Listener {
  let bell = bells.get(layer.bellOpen);
  if (bell === undefined) {
    bell = new Doorbell(layer);
    bells.set(layer.bellOpen, bell);
  }
  return new BellListener(bell, callback);
}
