/** The typed asynchronous layer: Tracer, Tracee, Stop. */
export { type ColocateMode } from './colocate.js';
export { TraceeMemory, type MemoryPath, type MemoryRead, type MemoryWrite } from './memory.js';
export { NextStop } from './next-stop.js';
export { SpawnedTracee } from './spawned-tracee.js';
export { type Pty, type Stdio, type StdioChoice, type StdioStreams } from './stdio.js';
export * from './stop.js';
export { Tracee, type DetachOptions, type DetachOutcome, type TraceeState } from './tracee.js';
export { Tracer, type AttachOptions, type SpawnOptions, type TraceEvent, type TracerOptions } from './tracer.js';
export { type EndPolicy } from './tracer-core.js';
