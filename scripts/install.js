#!/usr/bin/env node
// The install script: a prebuilt addon that loads, else a compiled one. It never fails an installation, because programs may
// depend on this package for Linux alone: without an addon the import still works, and the first use says what to do.
import { spawnSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { arch, env, execPath, platform } from 'node:process';
import { fileURLToPath } from 'node:url';
import { buildAddon } from './build-addon.js';
import { buildProgram, programOf } from './build-programs.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Whether node-gyp-build finds an addon that this node can load; tried in a child, a broken binary may crash. */
function loads() {
  const code = 'require("node-gyp-build")(process.argv[1])';
  return spawnSync(execPath, ['-e', code, root], { cwd: root, stdio: 'ignore' }).status === 0;
}

if (platform !== 'linux' || !['x64', 'arm64'].includes(arch)) {
  console.log(`linux-ptrace: there is no ptrace for ${platform}-${arch} here; the package can be imported, not used`);
} else if (env.npm_config_build_from_source === 'true' || !loads()) {
  const failure = buildAddon();
  if (failure === undefined) {
    buildProgram(programOf(arch));
  } else {
    console.log(
      `linux-ptrace: no addon: ${failure}. Install a C++17 compiler, make and python3 ` +
        '(Debian: apt-get install g++ make python3, Alpine: apk add g++ make python3), then run: npm rebuild linux-ptrace',
    );
  }
}
