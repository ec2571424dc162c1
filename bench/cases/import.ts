/** From import() until the first request has returned, in a process that has just begun: import PID. Prints nanoseconds. */
const pid = Number(process.argv[2]);
const begin = performance.now();
const { Tracer } = await import('linux-ptrace');
const [tracee] = await new Tracer().seize(pid);
const end = performance.now();
if (tracee?.pid !== pid) throw new Error(`process ${pid} was not seized`);
process.stdout.write(`${JSON.stringify({ ns: (end - begin) * 1e6 })}\n`);
export {};
