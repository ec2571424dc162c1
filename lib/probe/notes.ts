/**
 * What was found so far. Everything that will be in the report is there from the start, so that nothing is left out
 * when a section fails.
 */
import { isPtraceError, type PtraceError } from '../errors.js';
import { ERRNO, errnoName } from '../kernel/errno.js';
import type { Capability, ProbeStatus } from './report.js';

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** A capability that was not looked at yet: what it is, without what was found. */
export type Template = DistributiveOmit<Capability, 'status' | 'detail' | 'errno' | 'code'>;

/** What a trial came to. */
export interface Outcome {
  readonly status: ProbeStatus;
  readonly detail: string;
  readonly errno?: number;
  readonly code?: string;
}

export const yes = (detail = 'works'): Outcome => ({ status: 'yes', detail });
export const no = (detail: string): Outcome => ({ status: 'no', detail });
export const notHere = (detail: string): Outcome => ({ status: 'not-here', detail });

/** The outcome that an error number stands for. */
export function failed(errno: number, detail?: string): Outcome {
  const status = errno === ERRNO.EPERM || errno === ERRNO.EACCES ? 'denied' : 'no';
  return { status, errno, code: errnoName(errno), detail: detail ?? `is refused with ${errnoName(errno)}` };
}

/** The outcome that an error stands for. What is no PtraceError is a mistake of ours, and goes on. */
export function outcomeOf(error: unknown): Outcome {
  if (!isPtraceError(error)) throw error;
  if (error.errno !== 0) return failed(error.errno, `${error.request} is refused with ${error.code}`);
  return no(reasonOf(error));
}

function reasonOf(error: PtraceError): string {
  return error.reason === 'timed-out' ? 'no stop came' : error.message;
}

function isOutcome(value: unknown): value is Outcome {
  return typeof value === 'object' && value !== null && 'status' in value && 'detail' in value;
}

/**
 * Tries. What `action` answers with may be an {@link Outcome} or a detail in words; anything else means that it works.
 */
export function attempt(action: () => unknown): Outcome {
  try {
    const result = action();
    if (isOutcome(result)) return result;
    return yes(typeof result === 'string' ? result : undefined);
  } catch (error) {
    return outcomeOf(error);
  }
}

export class Notes {
  readonly #templates = new Map<string, Template>();
  readonly #found = new Map<string, Capability>();

  /** Announces what will be looked at. */
  announce(templates: readonly Template[]): void {
    for (const template of templates) this.#templates.set(template.id, template);
  }

  /** Notes what was found; with more of what the capability has. A second finding replaces the first. */
  set(id: string, outcome: Outcome, more: Readonly<Record<string, unknown>> = {}): void {
    const template = this.#templates.get(id);
    if (template === undefined) throw new RangeError(`nothing of the name ${id} was announced`);
    this.#found.set(id, { ...template, ...outcome, ...more });
  }

  /** Tries, and notes what came of it: see {@link attempt}. */
  try(id: string, action: () => unknown): Outcome {
    const outcome = attempt(action);
    this.set(id, outcome);
    return outcome;
  }

  has(id: string): boolean {
    return this.#found.has(id);
  }

  /** What was not looked at has this outcome. */
  rest(ids: Iterable<string>, outcome: Outcome): void {
    for (const id of ids) if (!this.#found.has(id)) this.set(id, outcome);
  }

  /** All that was not looked at has this outcome. */
  restOfAll(outcome: Outcome): void {
    this.rest(this.#templates.keys(), outcome);
  }

  /** All, in the order in which they were announced. */
  all(): Capability[] {
    this.restOfAll(no('was not tried'));
    return [...this.#templates.keys()].flatMap((id) => this.#found.get(id) ?? []);
  }
}
