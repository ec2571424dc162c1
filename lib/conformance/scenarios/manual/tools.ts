/** What several scenarios of the manual page need. */
import { manual, type Source } from '../../scenario.js';

/** A section of ptrace(2). */
export const page = (section: string): Source => manual('ptrace(2)', section);
