/** AbortSignals that come from outside: checked, and used past whatever the value itself defines. */
import { badInput } from '../errors.js';

const aborted = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted') as {
  get?: (this: unknown) => unknown;
};

/** An AbortSignal that has been checked. */
export interface CheckedSignal {
  readonly aborted: boolean;
  /** What it was aborted with. */
  readonly reason: unknown;
  /** Calls `callback` when it is aborted. The answer takes that back. */
  onAbort(callback: () => void): () => void;
}

/** An AbortSignal, or undefined for none. */
export function checkAbortSignal(request: string, value: unknown): CheckedSignal | undefined {
  if (value === undefined) return undefined;
  const signal = value as AbortSignal;
  const refuse = (): never => {
    throw badInput(request, 'signal is not an AbortSignal');
  };
  const read = <T>(what: () => T): T => {
    try {
      return what();
    } catch {
      return refuse();
    }
  };
  const isAborted = (): boolean => read(() => aborted.get?.call(signal) === true);
  if (typeof value !== 'object' || value === null) refuse();
  isAborted();
  return {
    get aborted() {
      return isAborted();
    },
    get reason() {
      try {
        return signal.reason as unknown;
      } catch {
        return undefined;
      }
    },
    onAbort: (callback) => {
      const listener = (): void => {
        callback();
      };
      read(() => {
        EventTarget.prototype.addEventListener.call(signal, 'abort', listener, { once: true });
      });
      return () => {
        try {
          EventTarget.prototype.removeEventListener.call(signal, 'abort', listener);
        } catch {
          // It was a signal when it was given; what has become of it matters no more.
        }
      };
    },
  };
}
