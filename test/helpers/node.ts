import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterEach } from 'vitest';
import { dist } from './dist.js';
import { until } from './processes.js';
import { limit } from './scale.js';

const running = new Set<NodeChild>();

afterEach(async () => {
  for (const node of running) await node.kill();
  running.clear();
});

/** How a Node process ended. */
export interface NodeEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** A Node process of its own with the built package, for what a test's process cannot do to itself. Killed after the test. */
export class NodeChild {
  readonly process: ChildProcessWithoutNullStreams;
  /** What it printed, by lines of JSON. */
  readonly lines: unknown[] = [];
  /** What it printed that was not JSON. */
  stdout = '';
  stderr = '';
  #taken = 0;
  #end: NodeEnd | undefined;

  constructor(body: string, data: unknown, args: readonly string[]) {
    const source = `
      import { Tracer, isEnd, isPtraceError } from '${dist('index.js')}';
      import * as raw from '${dist('raw/index.js')}';
      import { script, start, run } from '${dist('raw/child.js')}';
      import { writeSync, readFileSync } from 'node:fs';
      import { setTimeout as delay } from 'node:timers/promises';
      const data = ${JSON.stringify(data ?? null)};
      const post = (value) => writeSync(1, JSON.stringify(value) + '\\n');
      const until = async (condition) => { while (!(await condition())) await delay(1); };
      const stateOf = (tid) => {
        try { return /^State:\\s+(.)/m.exec(readFileSync('/proc/' + tid + '/status', 'latin1'))[1]; } catch { return undefined; }
      };
      ${body}
    `;
    this.process = spawn(process.execPath, [...args, '--input-type=module', '-e', source], { stdio: 'pipe' });
    createInterface({ input: this.process.stdout }).on('line', (line) => {
      try {
        this.lines.push(JSON.parse(line));
      } catch {
        this.stdout += `${line}\n`;
      }
    });
    this.process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.process.on('close', (code, signal) => {
      this.#end = { code, signal, stderr: this.stderr };
      running.delete(this);
    });
    running.add(this);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** The next line that it prints with `post`. */
  async heard<T>(what: string, milliseconds?: number): Promise<T> {
    await until(
      () => this.lines.length > this.#taken || this.#end !== undefined,
      () => `${what} from Node: ${this.stderr}`,
      milliseconds,
    );
    if (this.lines.length <= this.#taken) {
      throw new Error(`Node ended before ${what}: ${JSON.stringify(this.#end)}`);
    }
    return this.lines[this.#taken++] as T;
  }

  /** How it ends. */
  async ended(milliseconds = 15_000): Promise<NodeEnd> {
    return await until(
      () => this.#end,
      () => `the end of Node: ${this.stderr}`,
      milliseconds,
    );
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended(5000);
  }
}

/**
 * Runs the body of an ES module in a Node of its own. It knows `Tracer`, `isEnd`, `isPtraceError`, `raw`, `script`, `start`, `run`, `data`,
 * `post` (a value for {@link NodeChild.heard}), `until`, `delay` and `stateOf`.
 */
export function node(body: string, data?: unknown, args: readonly string[] = []): NodeChild {
  return new NodeChild(body, data, args);
}

/** A time limit for a whole test that starts Node. */
export const nodeLimit = limit(30_000);
