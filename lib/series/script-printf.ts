/** printf(3) for children that play a script: the line is put together in the child and written by one write(2). */
import type { ChildScript } from '../raw/child.js';
import type { Value } from '../raw/script-code.js';

/** Scratch of the line in the making; the scripts of the programs use registers below. */
const STARTED = 4;
const VALUE = 5;
const DIGIT = 6;
const END = 7;

const POWERS = [1_000_000, 100_000, 10_000, 1000, 100, 10] as const;
const ZERO = 0x30;
const LONGEST_NUMBER = 8;

let lines = 0;

/**
 * Writes a line. Uses the registers 4 to 7.
 *
 * @param format text with `%d` and `%02d`
 * @param values a number >= 0 below 10,000,000 for each
 */
export function printf(script: ChildScript, fd: Value, format: string, ...values: Value[]): ChildScript {
  if (values.length === 0) return script.write(fd, format);
  const id = `line ${++lines}`;
  script.buffer(id, Buffer.byteLength(format) + LONGEST_NUMBER * (values.length + 1));
  script.set(script.address(id), END);
  // Every second piece is a conversion.
  for (const [index, piece] of format.split(/(%(?:02)?d)/).entries()) {
    if (index % 2 === 0) literal(script, piece);
    else decimal(script, values[(index - 1) / 2] ?? 0, piece === '%02d' ? 2 : 1, `${id}, piece ${index}`);
  }
  script.compute(script.register(END), 'subtract', script.address(id), DIGIT);
  return script.syscall('write', fd, script.address(id), script.register(DIGIT));
}

/** Appends a text by words of 8 bytes. What is too much of the last one is written over by what follows. */
function literal(script: ChildScript, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 8) {
    const word = Buffer.alloc(8);
    const length = bytes.copy(word, 0, at);
    script.storeAt(script.register(END), word.readBigInt64LE());
    script.compute(script.register(END), 'add', length, END);
  }
}

/** Appends a number. The machine cannot divide: it counts how often each power of ten can be taken away. */
function decimal(script: ChildScript, value: Value, width: number, id: string): void {
  script.set(value, VALUE).set(0, STARTED);
  for (const power of POWERS) {
    script.set(ZERO, DIGIT);
    if (power === 10 && width === 2) script.set(1, STARTED);
    script.label(`${id}: take ${power}`).jumpIf(script.register(VALUE), '<', power, `${id}: taken ${power}`);
    script.compute(script.register(VALUE), 'subtract', power, VALUE);
    script.compute(script.register(DIGIT), 'add', 1, DIGIT).set(1, STARTED);
    script.jump(`${id}: take ${power}`).label(`${id}: taken ${power}`);
    script.when(script.register(STARTED), '==', 1, append);
  }
  append(script.compute(script.register(VALUE), 'add', ZERO, DIGIT));
}

function append(script: ChildScript): void {
  script.storeAt(script.register(END), script.register(DIGIT), 1).compute(script.register(END), 'add', 1, END);
}
