/** A process that does work on demand: one line in, one line out. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { startOn } from './machine.js';

/** What a partner answers: nanoseconds, and what else it has counted. */
export interface Answer {
  readonly ns: number;
  readonly [more: string]: number;
}

const MOST_SECONDS = 120;
const scale = Math.max(1, Number(process.env['LINUX_PTRACE_TIME_SCALE'] ?? '1') || 1);

export class Partner {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;
  readonly #read: string[] = [];
  readonly #name: string;
  #errors = '';
  #asking: { resolve(line: string): void; reject(error: Error): void } | undefined;
  #ended: Error | undefined;

  private constructor(child: ChildProcessWithoutNullStreams, name: string) {
    this.#child = child;
    this.#name = name;
    this.#lines = createInterface({ input: child.stdout });
    this.#lines.on('line', (line) => {
      if (this.#asking === undefined) this.#read.push(line);
      else this.#asking.resolve(line);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-2000);
    });
    // It may end with a line of ours unread.
    child.stdin.on('error', () => undefined);
    child.on('error', (error) => this.#fail(error));
    child.on('close', (code, signal) => {
      this.#fail(new Error(`${name} ended (${signal ?? `code ${String(code)}`}) ${this.#errors.trim()}`));
    });
  }

  /** Starts a program on a CPU; -1: on any. */
  static start(cpu: number, file: string, args: readonly string[]): Partner {
    const child = startOn(cpu, () => spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] }));
    return new Partner(child, `${file.split('/').pop() ?? file} ${args[0]?.split('/').pop() ?? ''}`.trim());
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The next line. */
  async line(): Promise<string> {
    const read = this.#read.shift();
    if (read !== undefined) return read;
    if (this.#ended !== undefined) throw this.#ended;
    let limit: NodeJS.Timeout | undefined;
    try {
      return await new Promise<string>((resolve, reject) => {
        this.#asking = { resolve, reject };
        limit = setTimeout(() => reject(new Error(`${this.#name} does not answer`)), MOST_SECONDS * 1000 * scale);
      });
    } finally {
      clearTimeout(limit);
      this.#asking = undefined;
    }
  }

  send(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Waits for its "ready". */
  async ready(): Promise<this> {
    const line = await this.line();
    if (line !== 'ready') throw new Error(`${this.#name} said ${line}, not ready`);
    return this;
  }

  async ask(amount: number): Promise<Answer> {
    this.send(String(amount));
    return JSON.parse(await this.line()) as Answer;
  }

  /** Ends it, whatever it does, and waits for that. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    this.#asking?.reject(error);
  }
}
