// What prebuilds/ has to hold, and what a binary has to be so that it loads wherever Node itself does.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAMS, programOf } from './build-programs.js';
import { readElf, readElfHeader } from './elf.js';

/** The newest glibc that Node 20's own binaries for Linux ask for: what loads Node must load the addon. */
export const GLIBC_FLOOR = [2, 28];

/** e_machine, by the names that Node and this project give the machines. */
const MACHINE = { x64: 62, arm64: 183, i386: 3, arm32: 40 };
const ET_EXEC = 2;

/** The architectures that the package carries binaries for. */
export const ARCHS = ['x64', 'arm64'];

/** The addon's file: prebuildify's name, with the tag of the libc that node-gyp-build looks for. */
export const ADDON = 'linux-ptrace.glibc.node';

/** Node-API functions of version 8 and below begin with this; libuv's are exported by node itself. */
const FROM_NODE = /^(napi_|node_api_|uv_)/;

/** @param {string} version */
function aboveFloor(version) {
  const [, major = '0', minor = '0'] = /^GLIBC_(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > GLIBC_FLOOR[0] || (Number(major) === GLIBC_FLOOR[0] && Number(minor) > GLIBC_FLOOR[1]);
}

/**
 * The rules for an addon. Each gives what is wrong, nothing when it is kept.
 *
 * @type {{rule: string, broken: (elf: import('./elf.js').ElfNeeds) => string[]}[]}
 */
export const ADDON_RULES = [
  {
    rule: `asks for no glibc above ${GLIBC_FLOOR.join('.')}`,
    broken: ({ imports, versions }) =>
      [
        ...imports.map(({ name, version }) => ({ name, version })),
        ...versions.map(({ version }) => ({ name: '', version })),
      ]
        .filter(({ version }) => aboveFloor(version))
        .map(({ name, version }) => `${name}@${version}`),
  },
  {
    rule: 'brings its C++ runtime along',
    broken: ({ needed, versions }) => [
      ...needed.filter((library) => /^(libstdc\+\+|libgcc_s)\./.test(library)),
      ...versions.map(({ version }) => version).filter((version) => /^(GLIBCXX|CXXABI|GCC)_/.test(version)),
    ],
  },
  {
    rule: 'asks for nothing but glibc and what node exports',
    broken: ({ needed, imports }) => [
      ...needed.filter((library) => !/^(libc|libm|ld-linux.*)\.so\.\d+$/.test(library)),
      ...imports
        .filter(({ name, version, weak }) => version === '' && !weak && !FROM_NODE.test(name))
        .map(({ name }) => name),
    ],
  },
  {
    rule: 'shows the symbols that node looks for, and no other',
    broken: ({ exports }) => {
      const wanted = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];
      return [
        ...exports.filter((name) => !wanted.includes(name)),
        ...wanted.filter((name) => !exports.includes(name)).map((name) => `no ${name}`),
      ];
    },
  },
  {
    rule: 'stays mapped when the last Worker that loaded it ends',
    broken: ({ staysLoaded }) => (staysLoaded ? [] : ['no DF_1_NODELETE']),
  },
];

/**
 * What is wrong with an addon's bytes.
 *
 * @param {Buffer} file
 * @param {string} arch
 */
function wrongAddon(file, arch) {
  const elf = readElf(file);
  if (elf.machine !== MACHINE[arch]) return [`is for another machine (${elf.machine})`];
  return ADDON_RULES.flatMap(({ rule, broken }) => {
    const found = broken(elf);
    return found.length === 0 ? [] : [`breaks the rule "${rule}": ${found.join(', ')}`];
  });
}

/**
 * What is wrong with the bytes of a program of a 32-bit ABI.
 *
 * @param {Buffer} file
 * @param {string} name
 */
function wrongProgram(file, name) {
  const { bits, type, machine } = readElfHeader(file);
  return bits === 32 && type === ET_EXEC && machine === MACHINE[name] ? [] : ['is no executable of its ABI'];
}

/** The newest change of files and folders' files. */
function changed(root, names) {
  const files = names.flatMap((name) => {
    const path = join(root, name);
    return statSync(path).isDirectory() ? readdirSync(path).map((each) => join(path, each)) : [path];
  });
  return Math.max(...files.map((file) => statSync(file).mtimeMs));
}

/**
 * What is wrong with prebuilds/, one sentence each: what is missing, older than its sources, not whole or would not load everywhere.
 *
 * @param {string} root the package's folder
 * @param {readonly string[]} archs
 * @returns {string[]}
 */
export function complaints(root, archs = ARCHS) {
  return archs.flatMap((arch) => {
    if (!ARCHS.includes(arch)) return [`there is no code for ${arch}: give one of ${ARCHS.join(', ')}`];
    const program = programOf(arch);
    const parts = [
      { name: ADDON, sources: ['native', 'binding.gyp'], wrong: (file) => wrongAddon(file, arch) },
      {
        name: program,
        sources: PROGRAMS[program].sources.map((source) => join('fixtures', source)),
        wrong: (file) => wrongProgram(file, program),
      },
    ];
    return parts.flatMap(({ name, sources, wrong }) => {
      const place = `prebuilds/linux-${arch}/${name}`;
      const file = join(root, place);
      if (!existsSync(file)) return [`${place} is missing`];
      if ((statSync(file).mode & 0o111) === 0) return [`${place} cannot be executed`];
      if (statSync(file).mtimeMs < changed(root, sources)) return [`${place} is older than what it is made from`];
      try {
        return wrong(readFileSync(file)).map((what) => `${place} ${what}`);
      } catch (error) {
        return [`${place} is broken: ${error instanceof Error ? error.message : String(error)}`];
      }
    });
  });
}
