/**
 * `linux-ptrace/conformance`: what a module with scenarios of its own needs, for `linux-ptrace conform --load`.
 *
 * ```ts
 * import { manual, type Scenario, scenario } from 'linux-ptrace/conformance';
 *
 * export const scenarios: readonly Scenario[] = [scenario({ id: 'mine', source: [manual('ptrace(2)', 'BUGS')], ... })];
 * ```
 */
export type { Actor, Result } from './actor.js';
export type { Need } from './needs.js';
export {
  commit,
  mail,
  manual,
  type Release,
  type Scenario,
  scenario,
  type Source,
  type Suite,
  suite,
  type Variant,
} from './scenario.js';
export type { Beginning, Found, Stage, TraceeOptions } from './stage.js';
