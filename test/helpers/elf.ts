/** What a 64-bit little-endian ELF shared object asks of the machine that loads it. */
export interface ElfNeeds {
  /** The libraries of DT_NEEDED. */
  readonly needed: readonly string[];
  /** The symbol versions of .gnu.version_r, as 'libc.so.6: GLIBC_2.28'. */
  readonly versions: readonly { readonly library: string; readonly version: string }[];
  /** Names of the undefined symbols with their version, '' where they have none. */
  readonly imports: readonly { readonly name: string; readonly version: string; readonly weak: boolean }[];
  /** Names of the symbols that other objects can see. */
  readonly exports: readonly string[];
}

const SHT_DYNAMIC = 6;
const SHT_DYNSYM = 11;
const SHT_GNU_VERNEED = 0x6ffffffe;
const SHT_GNU_VERSYM = 0x6fffffff;
const DT_NEEDED = 1n;
const STB_WEAK = 2;

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
}

/** Reads the dynamic sections of an ELF file's bytes; throws when they are no 64-bit little-endian ELF file. */
export function readElf(file: Buffer): ElfNeeds {
  if (file.toString('latin1', 0, 4) !== '\x7fELF' || file[4] !== 2 || file[5] !== 1) {
    throw new Error('not a 64-bit little-endian ELF file');
  }
  const table = Number(file.readBigUInt64LE(0x28));
  const entrySize = file.readUInt16LE(0x3a);
  const sections: Section[] = Array.from({ length: file.readUInt16LE(0x3c) }, (_, index) => {
    const at = table + index * entrySize;
    return {
      type: file.readUInt32LE(at + 4),
      offset: Number(file.readBigUInt64LE(at + 0x18)),
      size: Number(file.readBigUInt64LE(at + 0x20)),
      link: file.readUInt32LE(at + 0x28),
      info: file.readUInt32LE(at + 0x2c),
    };
  });
  const section = (type: number): Section | undefined => sections.find((candidate) => candidate.type === type);
  const string = (link: number, offset: number): string => {
    const start = (sections[link]?.offset ?? 0) + offset;
    return file.toString('latin1', start, file.indexOf(0, start));
  };

  const needed: string[] = [];
  const dynamic = section(SHT_DYNAMIC);
  if (dynamic !== undefined) {
    for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
      if (file.readBigInt64LE(at) === DT_NEEDED) {
        needed.push(string(dynamic.link, Number(file.readBigUInt64LE(at + 8))));
      }
    }
  }

  const versions: { library: string; version: string }[] = [];
  const byIndex = new Map<number, string>();
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

  const imports: { name: string; version: string; weak: boolean }[] = [];
  const exports: string[] = [];
  const symbols = section(SHT_DYNSYM);
  const versym = section(SHT_GNU_VERSYM);
  if (symbols !== undefined) {
    // Entry 0 is the null symbol.
    for (let index = 1; index < symbols.size / 24; index++) {
      const at = symbols.offset + index * 24;
      const name = string(symbols.link, file.readUInt32LE(at));
      const weak = (file[at + 4] ?? 0) >> 4 === STB_WEAK;
      const defined = file.readUInt16LE(at + 6) !== 0;
      const version = versym === undefined ? 0 : file.readUInt16LE(versym.offset + index * 2) & 0x7fff;
      if (defined) exports.push(name);
      else imports.push({ name, version: byIndex.get(version) ?? '', weak });
    }
  }
  return { needed, versions, imports, exports };
}
