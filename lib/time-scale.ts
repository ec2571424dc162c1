/** Limits of waiting are meant for a machine of ordinary speed. LINUX_PTRACE_TIME_SCALE multiplies them, for emulated ones. */
const given = Number(process.env['LINUX_PTRACE_TIME_SCALE']);

/** Factor for every limit: at least 1. */
export const timeScale: number = Number.isFinite(given) && given >= 1 ? given : 1;

export function scaledMillis(millis: number): number {
  return millis * timeScale;
}
