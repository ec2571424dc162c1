/** What brought a scenario down that is no verdict on the kernel. */

/** What the language throws for code that makes no sense. */
const LANGUAGE_ERRORS = ['TypeError', 'ReferenceError', 'RangeError', 'SyntaxError'];
const NONSENSE = new RegExp(`^(${LANGUAGE_ERRORS.join('|')}): `);

/** The words for an error; those for one of the language begin with its name. */
export function troubleOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return LANGUAGE_ERRORS.includes(error.name) ? `${error.name}: ${error.message}` : error.message;
}

/**
 * Whether these words are for an error of the language. Where nothing is wrong with the code, the machine did not run it as it stands: emulated
 * processors do that to machine code that is made at run time.
 */
export function isNonsense(words: string): boolean {
  return NONSENSE.test(words);
}
