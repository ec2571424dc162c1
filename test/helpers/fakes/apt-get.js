#!/usr/bin/env node
// update and download, from the archive of the test's world.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv, env, exit, stdout } from 'node:process';
import { archive, fail, hang, log, times, words, world } from './world.js';

const config = readFileSync(env.APT_CONFIG, 'utf8');
const value = (name) => new RegExp(`^${name} "(.*)";$`, 'm').exec(config)?.[1];
const arch = value('APT::Architecture');
const source = readFileSync(value('Dir::Etc::sourcelist'), 'utf8');
const name = /^Suites: (.*)$/m.exec(source)[1];
const suite = archive.suites[`${name} ${arch}`];

if (!config.includes('Acquire::http::Proxy "http://proxy.invalid:3128/";')) fail('E: the proxy is missing');

async function misbehave(state, line) {
  switch (state) {
    case 'there':
      return;
    case 'hang':
      return await hang();
    case 'flaky':
      if (times(line) > 2) return;
      break;
  }
  if (words[state] === undefined) throw new Error(`no state ${state}`);
  fail(`E: ${words[state]}`);
}

if (argv[2] === 'update') {
  const line = `update ${name} ${arch}`;
  log(line);
  if (suite === undefined)
    fail(`E: The repository 'http://mirror.invalid ${name} Release' does not have a Release file.`);
  // As the real one does, which takes a missing network for no error.
  if (suite.state === 'unreachable') {
    stdout.write(`Ign:1 http://mirror.invalid ${name} InRelease\n`);
    fail(`W: ${words.unreachable}\nW: Some index files failed to download.`, 0);
  }
  await misbehave(suite.state, line);
  const text = suite.packages.map(
    ({ name, version, size }) => `Package: ${name}\nVersion: ${version}\nSize: ${size}\n`,
  );
  writeFileSync(join(value('Dir::State::lists'), `mirror.invalid_dists_${name}_Packages`), text.join('\n'));
} else if (argv[2] === 'download') {
  for (const spec of argv.slice(3).filter((word) => !word.startsWith('-'))) {
    const line = `download ${spec} ${arch}`;
    log(line);
    const found = suite.packages.find(({ name, version }) => spec === `${name}=${version}`);
    if (found === undefined) fail(`E: Version '${spec.split('=')[1]}' for '${spec.split('=')[0]}' was not found`);
    await misbehave(found.state, line);
    copyFileSync(join(world, found.file), `${spec.replace('=', '_')}_${arch}.deb`);
  }
} else exit(1);
