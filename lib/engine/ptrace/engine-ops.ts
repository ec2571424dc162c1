import { RESUME_MASK, SYSCALL_ACTION } from '../actions.js';
import type { Answer, EngineOps } from '../callbacks.js';
import type { Engine } from '../engine.js';
import { ClientEngine } from './client-engine.js';

const ownerOf = ({ data }: Engine): ClientEngine => {
  if (data instanceof ClientEngine) return data;
  throw new TypeError('this engine belongs to no client');
};

/** A callback begins. */
const of = (engine: Engine, result = 0): ClientEngine => ownerOf(engine).enter(result);

/** What a client does not want to know does not let it out of the stop that it stands in. */
const orKeep = (answer: Answer, engine: Engine): Answer => answer ?? ownerOf(engine).keep();

/** The callbacks of every client: its {@link ClientEngine} is the engine's data. */
export const CLIENT_OPS: EngineOps = {
  reportQuiesce: (_action, engine, event) => of(engine).quiesced(event),
  reportSignal: (action, engine, report) => of(engine, action & ~RESUME_MASK).reported(report, action),
  reportJctl: (_action, engine) => orKeep(of(engine).eventStop(), engine),
  reportSyscallEntry: (action, engine) => orKeep(of(engine, action & SYSCALL_ACTION.ABORT).syscall(true), engine),
  reportSyscallExit: (_action, engine) => orKeep(of(engine).syscall(false), engine),
  reportSeccomp: (_action, engine) => of(engine).seccomp(),
  reportVforkDone: (_action, engine) => of(engine).vforkDone(),
  reportClone: (_action, engine, clone) => orKeep(of(engine).cloned(clone), engine),
  reportExec: (_action, engine, exec) => orKeep(of(engine).executed(exec), engine),
  reportExit: (_action, engine) => orKeep(of(engine).exiting(), engine),
  reportDeath: (engine, { status }) => of(engine).died(status),
  reportReap: (engine) => {
    of(engine).reaped();
  },
};
