import type { Pty, StdioStreams } from './stdio.js';
import { Tracee } from './tracee.js';
import type { TracerCore } from './tracer-core.js';

/** A tracee that the tracer started, with our side of its streams. */
export class SpawnedTracee extends Tracee {
  /** The path that was executed. */
  readonly file: string;
  readonly stdin: StdioStreams['stdin'];
  readonly stdout: StdioStreams['stdout'];
  readonly stderr: StdioStreams['stderr'];
  /** Our side of its terminal, null unless stdio is 'pty'. */
  readonly pty: Pty | null;

  /** @internal */
  constructor(core: TracerCore, pid: number, file: string, streams: StdioStreams) {
    super(core, pid, pid, 'running', { own: true });
    this.file = file;
    this.stdin = streams.stdin;
    this.stdout = streams.stdout;
    this.stderr = streams.stderr;
    this.pty = streams.pty;
  }
}
