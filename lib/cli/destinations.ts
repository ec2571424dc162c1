/** `--format F --out FILE`, as often as one likes: what is written where. */
import { FORMATS, formatOfFile, type Format } from '../conformance/report/formats.js';

/** A form, and the file for it; without one it goes to the standard output. */
export interface Destination<F extends string = Format> {
  readonly format: F;
  readonly file?: string;
}

/** An option as it stood on the command line. */
export type Given = { readonly format: string } | { readonly out: string };

/** A command line that makes no sense. */
export class DestinationError extends Error {}

const isFormat = (text: string): text is Format => FORMATS.some((format) => format === text);

function formatNamed(text: string): Format {
  if (isFormat(text)) return text;
  throw new DestinationError(`there is no format '${text}'; there are ${FORMATS.join(', ')}`);
}

function formatFor(file: string): Format {
  const format = formatOfFile(file);
  if (format !== undefined) return format;
  throw new DestinationError(`--out ${file} has no --format, and its name does not tell one`);
}

/** `--out FILE --format F` throughout: the format stands behind its file. */
const filesFirst = (given: readonly Given[]): boolean =>
  given.length % 2 === 0 && given.every((option, index) => (index % 2 === 0 ? 'out' in option : 'format' in option));

/** Formats before their files. */
function formatsFirst(given: readonly Given[]): readonly Given[] {
  if (!filesFirst(given)) return given;
  return given.map((_, index) => given[index ^ 1]).filter((option) => option !== undefined);
}

/**
 * A file belongs to the format before it; one without a format has that of its name. Where nothing goes to the standard output, the pretty
 * report does.
 *
 * @throws DestinationError
 */
export function destinationsOf(given: readonly Given[]): Destination[] {
  const destinations: { format?: Format; file?: string }[] = [];
  for (const option of formatsFirst(given)) {
    const last = destinations.at(-1);
    if ('format' in option) destinations.push({ format: formatNamed(option.format) });
    else if (last !== undefined && last.file === undefined) last.file = option.out;
    else destinations.push({ file: option.out });
  }
  const complete = destinations.map(({ format, file }): Destination => {
    if (file === undefined) return { format: format ?? 'pretty' };
    return { format: format ?? formatFor(file), file };
  });
  const printed = complete.filter(({ file }) => file === undefined);
  if (printed.length > 1) {
    throw new DestinationError(
      `only one format can go to the standard output: give --out FILE for ${printed.map(({ format }) => format).join(' or ')}`,
    );
  }
  const files = complete.map(({ file }) => file).filter((file) => file !== undefined);
  if (new Set(files).size < files.length) throw new DestinationError('two formats would go to one file');
  return printed.length === 0 ? [{ format: 'pretty' }, ...complete] : complete;
}
