#!/usr/bin/env node
// npm pack, from the registry of the test's world: names and versions, and the archives for them.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv, exit, stdout } from 'node:process';
import { archive, fail, log, world } from './world.js';

const spec = argv.at(-1);
log(`npm ${argv[2]} ${spec}`);
if (argv[2] !== 'pack') exit(1);
if (archive.registry === 'unreachable')
  fail('npm error code ENOTFOUND\nnpm error network request to https://registry.invalid/ failed', 1);
if (archive.registry === 'full') fail('npm error code ENOSPC\nnpm error ENOSPC: no space left on device, write', 1);
const [name, line] = spec.split('@');
const found = archive.registry.filter((each) => each.name === name && `${each.version}.`.startsWith(`${line}.`)).at(-1);
if (found === undefined) fail(`npm error code ETARGET\nnpm error notarget No matching version found for ${spec}.`, 1);
const filename = `${name}-${found.version}.tgz`;
copyFileSync(join(world, found.file), join(argv[argv.indexOf('--pack-destination') + 1], filename));
stdout.write(`${JSON.stringify([{ name, version: found.version, filename }])}\n`);
