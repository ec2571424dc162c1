/** Kernel releases, for expectations that changed: nothing is concluded from them but which expectation is meant. */

/** Major and minor number of a release as uname(2) tells it: `6.18.0-rc3+` is 6, 18. */
export function parseRelease(text: string): readonly [major: number, minor: number] {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  if (major === undefined || minor === undefined) throw new Error(`'${text}' is not the release of a kernel`);
  return [Number(major), Number(minor)];
}

/** Whether release `a` comes before release `b`. */
export function isBefore(a: string, b: string): boolean {
  const [majorA, minorA] = parseRelease(a);
  const [majorB, minorB] = parseRelease(b);
  return majorA < majorB || (majorA === majorB && minorA < minorB);
}
