/** All known behaviours, by source. */
import { coverAbis } from './abis.js';
import { coverA12 } from './a12.js';
import { coverA3H } from './a3h.js';
import { coverB13 } from './b13.js';
import { coverB46 } from './b46.js';
import { coverC } from './c.js';
import { coverD } from './d.js';
import { coverC34 } from './c34.js';
import { coverDEF } from './d-e-f.js';
import type { Section } from './entry.js';
import { coverG } from './g.js';

export const sections: readonly Section[] = [
  ...coverA12,
  ...coverA3H,
  ...coverB13,
  ...coverB46,
  ...coverC,
  ...coverC34,
  ...coverD,
  ...coverDEF,
  ...coverG,
  ...coverAbis,
];
