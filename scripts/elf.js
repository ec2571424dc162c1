// What an ELF file asks of the machine that loads it. As much of it as the rules for the package's own binaries need.

/**
 * What a 64-bit little-endian ELF shared object asks of the machine that loads it.
 *
 * @typedef {object} ElfNeeds
 * @property {number} machine e_machine: EM_X86_64 is 62, EM_AARCH64 is 183
 * @property {boolean} staysLoaded DF_1_NODELETE: dlclose(3) does not unmap it
 * @property {string[]} needed the libraries of DT_NEEDED
 * @property {{library: string, version: string}[]} versions the symbol versions of .gnu.version_r: libc.so.6, GLIBC_2.28
 * @property {{name: string, version: string, weak: boolean}[]} imports the undefined symbols with their version, '' where they have none
 * @property {string[]} exports names of the symbols that other objects can see
 */

/**
 * What the header of a little-endian ELF executable says.
 *
 * @typedef {object} ElfHeader
 * @property {32 | 64} bits
 * @property {number} type e_type: ET_EXEC is 2, ET_DYN is 3
 * @property {number} machine e_machine: EM_386 is 3, EM_ARM is 40
 */

const SHT_DYNAMIC = 6;
const SHT_DYNSYM = 11;
const SHT_GNU_VERNEED = 0x6ffffffe;
const SHT_GNU_VERSYM = 0x6fffffff;
const DT_NEEDED = 1n;
const DT_FLAGS_1 = 0x6ffffffbn;
const DF_1_NODELETE = 8n;
const STB_LOCAL = 0;
const STB_WEAK = 2;

/**
 * Reads the header of an ELF file's bytes; throws when they are no little-endian ELF file.
 *
 * @param {Buffer} file
 * @returns {ElfHeader}
 */
export function readElfHeader(file) {
  if (file.toString('latin1', 0, 4) !== '\x7fELF' || file[5] !== 1) throw new Error('not a little-endian ELF file');
  return { bits: file[4] === 2 ? 64 : 32, type: file.readUInt16LE(0x10), machine: file.readUInt16LE(0x12) };
}

/**
 * Reads the dynamic sections of an ELF file's bytes; throws when they are no 64-bit little-endian ELF file, or not all of one.
 *
 * @param {Buffer} file
 * @returns {ElfNeeds}
 */
export function readElf(file) {
  const { bits, machine } = readElfHeader(file);
  if (bits !== 64) throw new Error('not a 64-bit ELF file');
  const table = Number(file.readBigUInt64LE(0x28));
  const entrySize = file.readUInt16LE(0x3a);
  const sections = Array.from({ length: file.readUInt16LE(0x3c) }, (_, index) => {
    const at = table + index * entrySize;
    return {
      type: file.readUInt32LE(at + 4),
      offset: Number(file.readBigUInt64LE(at + 0x18)),
      size: Number(file.readBigUInt64LE(at + 0x20)),
      link: file.readUInt32LE(at + 0x28),
      info: file.readUInt32LE(at + 0x2c),
    };
  });
  const section = (/** @type {number} */ type) => sections.find((candidate) => candidate.type === type);
  const string = (/** @type {number} */ link, /** @type {number} */ offset) => {
    const start = (sections[link]?.offset ?? 0) + offset;
    return file.toString('latin1', start, file.indexOf(0, start));
  };

  /** @type {string[]} */
  const needed = [];
  let staysLoaded = false;
  const dynamic = section(SHT_DYNAMIC);
  if (dynamic !== undefined) {
    for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
      const tag = file.readBigInt64LE(at);
      const value = file.readBigUInt64LE(at + 8);
      if (tag === DT_NEEDED) needed.push(string(dynamic.link, Number(value)));
      if (tag === DT_FLAGS_1) staysLoaded = (value & DF_1_NODELETE) !== 0n;
    }
  }

  /** @type {{library: string, version: string}[]} */
  const versions = [];
  /** @type {Map<number, string>} */
  const byIndex = new Map();
  const need = section(SHT_GNU_VERNEED);
  if (need !== undefined) {
    let at = need.offset;
    for (let left = need.info; left > 0; left--) {
      const library = string(need.link, file.readUInt32LE(at + 4));
      let aux = at + file.readUInt32LE(at + 8);
      for (let count = file.readUInt16LE(at + 2); count > 0; count--) {
        const version = string(need.link, file.readUInt32LE(aux + 8));
        versions.push({ library, version });
        byIndex.set(file.readUInt16LE(aux + 6), version);
        aux += file.readUInt32LE(aux + 12);
      }
      at += file.readUInt32LE(at + 12);
    }
  }

  /** @type {{name: string, version: string, weak: boolean}[]} */
  const imports = [];
  /** @type {string[]} */
  const exports = [];
  const symbols = section(SHT_DYNSYM);
  const versym = section(SHT_GNU_VERSYM);
  if (symbols !== undefined) {
    // Entry 0 is the null symbol.
    for (let index = 1; index < symbols.size / 24; index++) {
      const at = symbols.offset + index * 24;
      const name = string(symbols.link, file.readUInt32LE(at));
      const binding = file.readUInt8(at + 4) >> 4;
      const defined = file.readUInt16LE(at + 6) !== 0;
      const version = versym === undefined ? 0 : file.readUInt16LE(versym.offset + index * 2) & 0x7fff;
      if (binding === STB_LOCAL) continue;
      if (defined) exports.push(name);
      else imports.push({ name, version: byIndex.get(version) ?? '', weak: binding === STB_WEAK });
    }
  }
  return { machine, staysLoaded, needed, versions, imports, exports };
}
