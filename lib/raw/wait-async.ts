/**
 * waitid(2) and wait4(2) as promises: WNOHANG on the calling thread, repeated when the doorbell rings. No other thread is involved, so a
 * tracee can be waited for by the thread that traces it, and the event loop goes on meanwhile.
 */
import { checkBag, checkBoolean } from '../arguments.js';
import { badInput, refused } from '../errors.js';
import { type IdType, W } from '../kernel/wait-flags.js';
import { type CheckedSignal, checkAbortSignal } from './abort-signal.js';
import { type Listener, listen } from './doorbell.js';
import { type Look, type Wait4Result, type WaitidResult, lookWithWait4, lookWithWaitid } from './wait.js';

/** What a wait with a promise can be asked for. */
export interface AsyncWaitExtras {
  /** Ask for the resources that the child has used. */
  readonly rusage?: boolean | undefined;
  /** Ends the wait. Nothing is consumed then. */
  readonly signal?: AbortSignal | undefined;
  /** The wait does not keep the event loop alive. */
  readonly unref?: boolean | undefined;
}

/** So many rings for nothing within this time mean that somebody else is storming. */
const STORM_RINGS = 8;
const STORM_MILLIS = 50;
/** Then look at intervals, ... */
const COARSE_MILLIS = 5;
/** ... and listen again after so many. */
const COARSE_LOOKS = 20;

class Waiter<T> {
  readonly #look: Look<T>;
  readonly #silent: boolean;
  readonly #unref: boolean;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;
  #listener: Listener | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looksLeft = 0;
  #empty = 0;
  #firstEmpty = 0;
  #settled = false;
  #stopListeningToAbort: () => void = () => undefined;

  constructor(
    look: Look<T>,
    silent: boolean,
    unref: boolean,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ) {
    this.#look = look;
    this.#silent = silent;
    this.#unref = unref;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(name: string, id: number, signal: CheckedSignal | undefined): void {
    if (signal?.aborted === true) {
      this.#settle();
      this.#reject(refused('aborted', name, id, undefined, { cause: signal.reason }));
      return;
    }
    if (this.#succeeds()) return;
    if (signal !== undefined) {
      this.#stopListeningToAbort = signal.onAbort(() => {
        if (this.#settled) return;
        this.#settle();
        this.#reject(refused('aborted', name, id, undefined, { cause: signal.reason }));
      });
    }
    this.#hear();
    if (this.#silent && !this.#settled) this.#startTimer();
  }

  /** Looks once. Whether the promise is settled by it. */
  #succeeds(): boolean {
    if (this.#settled) return true;
    try {
      const found = this.#look(true);
      if (found === null) return false;
      this.#settle();
      this.#resolve(found);
    } catch (error) {
      this.#settle();
      this.#reject(error);
    }
    return true;
  }

  #settle(): void {
    this.#settled = true;
    this.#listener?.close();
    this.#listener = undefined;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stopListeningToAbort();
  }

  #hear(): void {
    try {
      this.#listener = listen(this.#ring);
    } catch (error) {
      this.#settle();
      this.#reject(error);
      return;
    }
    this.#empty = 0;
    this.#listener.reference(!this.#unref);
    this.#listener.arm();
    // What came before the doorbell was armed rang for nobody.
    this.#succeeds();
  }

  readonly #ring = (): void => {
    if (this.#succeeds()) return;
    const now = performance.now();
    if (this.#empty === 0 || now - this.#firstEmpty > STORM_MILLIS) {
      this.#empty = 0;
      this.#firstEmpty = now;
    }
    if (++this.#empty < STORM_RINGS) return;
    // The bell is given up altogether: each ring of somebody else's storm would wake this thread, and each signal costs the storm.
    this.#listener?.close();
    this.#listener = undefined;
    this.#startTimer();
  };

  #startTimer(): void {
    this.#looksLeft = COARSE_LOOKS;
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(this.#tick, COARSE_MILLIS);
    if (this.#unref) this.#timer.unref();
  }

  readonly #tick = (): void => {
    if (this.#succeeds() || --this.#looksLeft > 0) return;
    if (!this.#silent) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    this.#looksLeft = COARSE_LOOKS;
    if (this.#listener === undefined) this.#hear();
  };
}

function waitAsync<T>(
  name: string,
  options: unknown,
  extras: unknown,
  lookWith: (rusage: boolean) => Look<T>,
  id: unknown,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const bag = checkBag(name, extras, ['rusage', 'signal', 'unref'], 'extras');
    const look = lookWith(checkBoolean(name, bag.rusage, 'rusage', false));
    const flags = options as number;
    if ((flags & W.WNOHANG) !== 0) throw badInput(name, `options has WNOHANG, want none in a wait: ${name} looks`);
    const signal = checkAbortSignal(name, bag.signal);
    const unref = checkBoolean(name, bag.unref, 'unref', false);
    // Children that raise another signal than SIGCHLD when they die ring no bell.
    const silent = (flags & W.__WCLONE) !== 0;
    const tid = typeof id === 'number' && id > 0 ? id : 0;
    new Waiter(look, silent, unref, resolve, reject).start(name, tid, signal);
  });
}

/**
 * wait4(2) as a promise.
 *
 * It consumes exactly what {@link wait4} would: with a pid of -1, 0 or below also what belongs to Node's own children and to other Workers.
 * A child whose death raises another signal than SIGCHLD is noticed only if `__WCLONE` asks for such children.
 *
 * @param pid as for {@link wait4}
 * @param options as for {@link wait4}, without WNOHANG
 * @param extras `rusage`; `signal`, an AbortSignal that ends the wait; `unref`, not to keep the event loop alive
 * @returns what is to be reported, once there is something
 * @throws PtraceError (as rejection) 'not-tracee' (ECHILD), at any time while it waits, when there is nothing to wait for; 'aborted';
 * 'bad-input'
 *
 * Every kernel. Source: wait4(2), waitpid(2).
 */
export function wait4Async(pid: number, options = 0, extras?: AsyncWaitExtras): Promise<Wait4Result> {
  return waitAsync('wait4', options, extras, (rusage) => lookWithWait4(pid, options, rusage), pid);
}

/**
 * waitid(2) as a promise.
 *
 * It consumes exactly what {@link waitid} would: with P_ALL and P_PGID also what belongs to Node's own children and to other Workers.
 * A child whose death raises another signal than SIGCHLD is noticed only if `__WCLONE` asks for such children.
 *
 * @param idtype as for {@link waitid}
 * @param id as for {@link waitid}
 * @param options as for {@link waitid}, without WNOHANG
 * @param extras `rusage`; `signal`, an AbortSignal that ends the wait; `unref`, not to keep the event loop alive
 * @returns what is to be reported, once there is something
 * @throws PtraceError (as rejection) 'not-tracee' (ECHILD), at any time while it waits, when there is nothing to wait for; 'kernel' (EINVAL,
 * EBADF) as {@link waitid}; 'aborted'; 'bad-input'
 *
 * Every kernel; P_PIDFD, and P_PGID with 0, since Linux 5.4. Source: waitid(2).
 */
export function waitidAsync(
  idtype: IdType,
  id: number,
  options: number,
  extras?: AsyncWaitExtras,
): Promise<WaitidResult> {
  return waitAsync('waitid', options, extras, (rusage) => lookWithWaitid(idtype, id, options, rusage), id);
}
