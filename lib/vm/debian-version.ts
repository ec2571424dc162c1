/** The order of Debian's version numbers, as its policy manual (5.6.12) has it. */

const DIGIT = /[0-9]/;

/** A tilde comes before the end of the text, letters before all else. */
function weight(character: string): number {
  if (character === '' || DIGIT.test(character)) return 0;
  if (character === '~') return -1;
  const code = character.charCodeAt(0);
  return /[A-Za-z]/.test(character) ? code : code + 256;
}

/** Compares by turns a part without digits and a number, each possibly empty. */
function compareParts(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !DIGIT.test(a.charAt(i))) || (j < b.length && !DIGIT.test(b.charAt(j)))) {
      const difference = weight(a.charAt(i)) - weight(b.charAt(j));
      if (difference !== 0) return difference;
      i++;
      j++;
    }
    const [one = ''] = /^\d*/.exec(a.slice(i)) ?? [];
    const [other = ''] = /^\d*/.exec(b.slice(j)) ?? [];
    const difference = Number(one) - Number(other);
    if (difference !== 0) return difference;
    i += one.length;
    j += other.length;
  }
  return 0;
}

function split(version: string): { readonly epoch: number; readonly upstream: string; readonly revision: string } {
  const colon = version.indexOf(':');
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  return {
    epoch: colon < 0 ? 0 : Number(version.slice(0, colon)),
    upstream: dash < 0 ? rest : rest.slice(0, dash),
    revision: dash < 0 ? '' : rest.slice(dash + 1),
  };
}

/** Negative if `a` is the older version, positive if it is the newer one, 0 if they are equal. */
export function compareDebianVersions(a: string, b: string): number {
  const one = split(a);
  const other = split(b);
  return (
    one.epoch - other.epoch || compareParts(one.upstream, other.upstream) || compareParts(one.revision, other.revision)
  );
}
