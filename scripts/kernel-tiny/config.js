// Fragments of kernel configurations: what they ask for, and whether a configuration has it.

const SET = /^(CONFIG_\w+)=(.+)$/;
const UNSET = /^# (CONFIG_\w+) is not set$/;

/** The options of a configuration or of a fragment by name; undefined for one that is switched off. */
export function optionsOf(text) {
  const options = new Map();
  for (const line of text.split('\n')) {
    const set = SET.exec(line);
    if (set !== null) options.set(set[1], set[2]);
    const unset = UNSET.exec(line);
    if (unset !== null) options.set(unset[1], undefined);
  }
  return options;
}

const line = ([name, value]) => (value === undefined ? `# ${name} is not set` : `${name}=${value}`);

/** A configuration with a fragment laid over it: every option once, those of the fragment last. */
export function layered(config, fragment) {
  const over = optionsOf(fragment);
  const under = [...optionsOf(config)].filter(([name]) => !over.has(name));
  return `${[...under, ...over].map(line).join('\n')}\n`;
}

/** What a configuration has otherwise than a fragment asks, a sentence each. An option that it does not name is off. */
export function deviations(config, fragment) {
  const has = optionsOf(config);
  return [...optionsOf(fragment)].flatMap(([name, wanted]) => {
    const found = has.get(name);
    if (found === wanted || (wanted === 'n' && found === undefined)) return [];
    if (found === undefined) return [`${name} is off, and should be ${wanted}`];
    return wanted === undefined ? [`${name} is ${found}, and should be off`] : [`${name} is ${found}, not ${wanted}`];
  });
}

/** The release that a source's Makefile tells: [6, 12]. */
export function releaseOf(makefile) {
  const [version, patchlevel] = ['VERSION', 'PATCHLEVEL'].map((name) =>
    Number(new RegExp(`^${name} = (\\d+)$`, 'm').exec(makefile)?.[1] ?? Number.NaN),
  );
  return [version, patchlevel];
}

/** The fragments for an architecture and a release that a folder has, in the order in which they are laid over each other. */
export function fragmentNames(names, arch, [version, patchlevel]) {
  const since = names.filter((name) => {
    const found = /^since-(\d+)\.(\d+)\.config$/.exec(name);
    if (found === null) return false;
    const [, major, minor] = found.map(Number);
    return major < version || (major === version && minor <= patchlevel);
  });
  const wanted = ['guest.config', `guest-${arch}.config`, 'tiny.config', `tiny-${arch}.config`, ...since.sort()];
  return wanted.filter((name) => names.includes(name));
}
