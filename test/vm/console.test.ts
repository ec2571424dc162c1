import { describe, expect, it } from 'vitest';
import { ConsoleReader, type Said } from '../../lib/vm/console.js';

const HASH = 'ab'.repeat(32);

function read(...pieces: string[]): { said: Said[]; heard: string[]; reader: ConsoleReader } {
  const said: Said[] = [];
  const heard: string[] = [];
  const reader = new ConsoleReader(
    (words) => said.push(words),
    (line) => heard.push(line),
  );
  for (const piece of pieces) reader.feed(piece);
  reader.close();
  return { said, heard, reader };
}

describe("a machine's console", () => {
  it('tells how far the guest has come, wherever the pieces are cut', () => {
    const text = `\u001bc\u001b[2JSeaBIOS\r\n@linux-ptrace up 6.12.9\r\nhello\r\n@linux-ptrace done\r\n@linux-ptrace result disk 12 ${HASH}\r\n`;
    const whole = read(text);
    expect(whole.said).toEqual([
      { what: 'up', release: '6.12.9' },
      { what: 'done' },
      { what: 'result', by: 'disk', size: 12, hash: HASH },
    ]);
    expect(whole.heard).toEqual(['hello']);
    for (let cut = 1; cut < text.length; cut++) {
      expect(read(text.slice(0, cut), text.slice(cut)).said).toEqual(whole.said);
    }
  });

  it('is understood after the last words of the firmware, which have no end', () => {
    expect(read('Booting from ROM...@linux-ptrace up 5.10.0\n').said).toEqual([{ what: 'up', release: '5.10.0' }]);
  });

  it('carries a result where there is no disk, beside which other lines may stand', () => {
    const data = Buffer.from(Array.from({ length: 200 }, (_, index) => index));
    const lines = data.toString('base64').match(/.{1,76}/g) ?? [];
    const { reader } = read(
      '@linux-ptrace up 6.1\n@linux-ptrace done\n',
      ...lines.slice(0, 2).map((line) => `${line}\r\n`),
      '[   12.345678] an emergency of the kernel\r\n',
      ...lines.slice(2).map((line) => `${line}\r\n`),
    );
    expect(Buffer.from(reader.data.join(''), 'base64')).toEqual(data);
    expect(reader.lines).toContain('[   12.345678] an emergency of the kernel');
  });

  it('is not taken in by half a line', () => {
    expect(read(`@linux-ptrace result disk 12 ${HASH.slice(1)}\n`).said).toEqual([]);
    expect(read(`@linux-ptrace result disk x ${HASH}\n@linux-ptrace whatever\n`).said).toEqual([]);
  });
});
