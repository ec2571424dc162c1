/**
 * Two clients of a virtual ptrace on one process, each written as if it were alone: one logs system calls, the other single-steps.
 *
 *     node --import tsx examples/engines/two-ptraces.ts [STEPS]
 */
import { Tracer } from 'linux-ptrace';
import { VirtualPtrace, withKernelLayer } from 'linux-ptrace/engine';
import { SIG } from 'linux-ptrace/kernel';
import { kill, run, script } from 'linux-ptrace/raw';

const wanted = Number(process.argv[2] ?? 1000);
const virtual = new VirtualPtrace();
const client = (): Tracer => withKernelLayer(virtual.client(), () => new Tracer());

/** How often each system call is entered, until the process is gone. */
async function log(pid: number): Promise<Map<string, number>> {
  await using tracer = client();
  const [tracee] = await tracer.seize(pid);
  if (tracee === undefined) throw new Error('there is no such process');
  const calls = new Map<string, number>();
  let stop = await tracee.interrupt();
  while (stop.kind !== 'exited' && stop.kind !== 'killed') {
    if (stop.kind === 'syscall-entry') calls.set(stop.name, (calls.get(stop.name) ?? 0) + 1);
    stop = await tracee.resume('syscall');
  }
  return calls;
}

/** So many instructions, then the process's end. */
async function step(pid: number, count: number): Promise<number> {
  await using tracer = client();
  const [tracee] = await tracer.seize(pid);
  if (tracee === undefined) throw new Error('there is no such process');
  const places = new Set<bigint>();
  let stop = await tracee.interrupt();
  for (let steps = 0; steps < count && stop.kind !== 'exited' && stop.kind !== 'killed'; steps++) {
    stop = await tracee.resume('step');
    if (stop.kind === 'step') places.add(tracee.registers.pc);
  }
  kill(pid, SIG.SIGKILL);
  return places.size;
}

const pid = run(script().label('again').syscall('getppid').jump('again'));
const [calls, places] = await Promise.all([log(pid), step(pid, wanted)]);
console.log(`the logger saw ${[...calls].map(([name, count]) => `${name} ${count} times`).join(', ')}`);
console.log(`the stepper saw ${places} instructions`);
