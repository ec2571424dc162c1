/** The test programs of the two kernel patch series of 2011 that gave ptrace its present form, with the transcripts of their commits. */
export { catalogue } from './catalogue.js';
export { differenceOf, type Row } from './compare.js';
export { GROUPS, type Group, type Program, program, type ProgramInit } from './program.js';
export { type Outcome, runProgram, type RunOptions } from './runner.js';
export { type Audience, runSeries, type SeriesOptions } from './series.js';
