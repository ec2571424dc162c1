import { binding } from '../binding.js';
import { refused } from '../errors.js';
import { procStatus } from '../proc.js';

/**
 * Refuses to trace a child that Node itself started.
 *
 * libuv takes any wait status of its child for that child's death: traced from inside its own process, a `child_process` child is reported as
 * exited at its first stop. Such a child is one whose parent is this process and that no thread of it spawned through this package.
 *
 * @throws PtraceError 'own-child'
 */
export function refuseNodesChild(request: string, pid: number): void {
  const status = procStatus(pid);
  if (status?.ppid !== process.pid || binding().isRegisteredChild(status.tgid)) return;
  throw refused(
    'own-child',
    request,
    pid,
    `${status.name} (${status.tgid}) is a child of this process that Node started: Node would take its first stop for its death. Start it with ` +
      'tracer.spawn(), or trace it from another process; { allowNodeChild: true } if nothing in this process waits for it',
  );
}

/**
 * Refuses to trace a process that traces this one, directly or through others: each would wait for the other for ever.
 *
 * @throws PtraceError 'denied'
 */
export function refuseOwnTracer(request: string, pid: number): void {
  const met = new Set<number>();
  let tracer = procStatus('self')?.tracerPid ?? 0;
  while (tracer !== 0 && !met.has(tracer)) {
    met.add(tracer);
    const status = procStatus(tracer);
    if (status === undefined) return;
    if (status.tgid === pid) {
      throw refused('denied', request, pid, 'it traces this process: tracing it in turn would make both unkillable');
    }
    tracer = status.tracerPid;
  }
}
