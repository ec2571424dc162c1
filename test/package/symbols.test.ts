import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readElf } from '../../scripts/elf.js';
import { ADDON_RULES, ARCHS } from '../../scripts/prebuilds.js';
import { root } from '../helpers/dist.js';

/** The addons of a folder, of whatever architecture. */
function addons(folder: string): string[] {
  const path = join(root, folder);
  return existsSync(path) ? readdirSync(path).filter((name) => name.endsWith('.node')) : [];
}

it('there is a built addon to look at', () => {
  const host = ['build/Release', `prebuilds/linux-${process.arch}`];
  expect(host.flatMap((folder) => addons(folder))).not.toEqual([]);
});

describe.each(['build/Release', ...ARCHS.map((arch) => `prebuilds/linux-${arch}`)])('%s', (folder) => {
  const names = addons(folder);

  if (names.length === 0) {
    it('holds an addon', ({ skip }) => {
      skip('nothing was built there: npm run prebuild');
    });
  }

  describe.each(names)('%s', (name) => {
    const elf = readElf(readFileSync(join(root, folder, name)));

    it.each(ADDON_RULES)('$rule', ({ broken }) => {
      expect(broken(elf)).toEqual([]);
    });
  });
});
