/** A browser without a window, told what to do over a pipe (the DevTools protocol), for pages that tests have made. */
import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { limit } from './scale.js';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** The browser of this machine, if it has one. */
export function browserPath(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

interface Answer {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** The virtual key codes of keys that have no letter. */
const KEYS: Readonly<Record<string, number>> = { Enter: 13, Escape: 27, ArrowDown: 40, ArrowUp: 38, End: 35, Home: 36 };

export class Browser implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #profile = mkdtempSync(join(tmpdir(), 'linux-ptrace-browser-'));
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #text = '';
  #count = 0;
  #session = '';

  constructor(path: string) {
    this.#child = spawn(
      path,
      [
        ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
        ...[`--user-data-dir=${this.#profile}`, '--remote-debugging-pipe', 'about:blank'],
      ],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: true },
    );
    (this.#child.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => {
      const messages = `${this.#text}${text}`.split('\0');
      this.#text = messages.pop() ?? '';
      for (const message of messages) {
        const answer = JSON.parse(message) as Answer;
        this.#asked.get(answer.id ?? -1)?.(answer);
      }
    });
  }

  async #ask(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.#count;
    const session = this.#session === '' ? {} : { sessionId: this.#session };
    let timer: NodeJS.Timeout | undefined;
    const answer = await new Promise<Answer>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`the browser does not answer ${method}`)), limit(20_000));
      this.#asked.set(id, resolve);
      (this.#child.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    });
    clearTimeout(timer);
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result ?? {};
  }

  /** Opens a page in a window of a size, and waits until its script is through. */
  async open(url: string, width: number, height: number): Promise<void> {
    if (this.#session === '') {
      const { targetId } = await this.#ask('Target.createTarget', { url: 'about:blank' });
      const { sessionId } = await this.#ask('Target.attachToTarget', { targetId, flatten: true });
      this.#session = String(sessionId);
    }
    const mobile = width < 600;
    await this.#ask('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile });
    await this.#ask('Page.navigate', { url: 'about:blank' });
    await this.#ask('Page.navigate', { url });
    const end = Date.now() + limit(20_000);
    while ((await this.evaluate('document.documentElement?.dataset.ready ?? ""')) === '') {
      if (Date.now() > end) throw new Error('the page does not become ready');
    }
  }

  /** The value of an expression in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.#ask('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { value?: unknown }).value;
  }

  /** Presses keys: names, or single letters. */
  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const code = KEYS[key];
      const text = code === undefined ? key : key === 'Enter' ? '\r' : undefined;
      const event = {
        key,
        windowsVirtualKeyCode: code ?? key.toUpperCase().charCodeAt(0),
        ...(text === undefined ? {} : { text }),
      };
      await this.#ask('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
      await this.#ask('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
    }
  }

  /** Writes into what has the focus. */
  async type(text: string): Promise<void> {
    await this.#ask('Input.insertText', { text });
  }

  /** The window as a PNG. */
  async picture(): Promise<Buffer> {
    const { data } = await this.#ask('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(String(data), 'base64');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    // Its helpers are in its process group.
    if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL');
    await ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
