/** Scenarios from a module that is not part of the package. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Scenario } from './scenario.js';

const isScenario = (value: unknown): value is Scenario =>
  typeof value === 'object' &&
  value !== null &&
  'id' in value &&
  typeof value.id === 'string' &&
  'play' in value &&
  typeof value.play === 'function';

/**
 * The array `scenarios` that a module exports.
 *
 * @param path of the module, relative to the working directory
 * @throws Error when there is no such module or array
 */
export async function loadScenarios(path: string): Promise<readonly Scenario[]> {
  const module: unknown = await import(pathToFileURL(resolve(path)).href);
  const found: unknown =
    typeof module === 'object' && module !== null && 'scenarios' in module ? module.scenarios : undefined;
  if (Array.isArray(found) && found.every(isScenario)) return found;
  throw new Error(`${path} exports no array 'scenarios' of scenarios`);
}
