/** What every time limit of the tests is multiplied with; a slow or emulated machine sets LINUX_PTRACE_TIME_SCALE. */
export const timeScale = Number(process.env['LINUX_PTRACE_TIME_SCALE'] ?? '1') || 1;

/** A time limit in milliseconds on this machine. */
export function limit(milliseconds: number): number {
  return Math.ceil(milliseconds * timeScale);
}
