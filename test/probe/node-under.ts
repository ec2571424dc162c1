import { createReadStream } from 'node:fs';
import { expect } from 'vitest';
import { binding } from '../../lib/binding.js';
import { script, type ChildScript } from '../../lib/raw/child.js';
import { child, within } from '../helpers/tracing.js';

/** Runs a module in a Node process that a script has prepared (other ids, filters) before the exec: what it printed. */
export async function nodeUnder(prepare: (s: ChildScript) => unknown, module: string): Promise<string> {
  const pipe = new Int32Array(2);
  expect(binding().pipe(pipe)).toBe(0);
  const [read = -1, write = -1] = pipe;
  const made = script();
  prepare(made);
  child(
    made
      .syscall('dup3', write, 1, 0)
      .exec(process.execPath, ['node', '--input-type=module', '-e', module], ['PATH=/usr/bin:/bin', 'HOME=/'])
      .exitGroup(127),
    { keepFds: [write] },
  );
  binding().closeFd(write);
  let text = '';
  const stream = createReadStream('', { fd: read, autoClose: true, encoding: 'utf8' });
  await within(
    (async () => {
      for await (const chunk of stream) text += String(chunk);
    })(),
    'the end of the output',
  );
  return text;
}
