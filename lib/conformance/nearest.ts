/** Names that somebody may have meant. */

/** How many letters have to be put in, left out or changed. */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i++) {
    const row = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const change = (above[j] ?? 0) + (a.charAt(i) === b.charAt(j) ? 0 : 1);
      row.push(Math.min((row[j] ?? 0) + 1, (above[j + 1] ?? 0) + 1, change));
    }
    above = row;
  }
  return above[b.length] ?? 0;
}

/** The names nearest to a word, best first: few letters away, or with parts of it. */
export function nearest(word: string, names: Iterable<string>, most = 5): string[] {
  const wanted = word.toLowerCase();
  const parts = wanted.split(/[^a-z0-9]+/).filter((part) => part.length >= 3);
  const scored: { readonly name: string; readonly score: number }[] = [];
  for (const name of names) {
    const letters = distance(wanted, name.toLowerCase()) / Math.max(wanted.length, name.length, 1);
    const found = parts.filter((part) => name.toLowerCase().includes(part)).length;
    const score = letters - found / Math.max(parts.length, 1);
    if (letters < 0.4 || found > 0) scored.push({ name, score });
  }
  return scored
    .sort((a, b) => a.score - b.score)
    .slice(0, most)
    .map(({ name }) => name);
}
