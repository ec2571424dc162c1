import { RESUME_MASK, SYSCALL_ACTION } from '../actions.js';
import type { EngineOps } from '../callbacks.js';
import type { Engine } from '../engine.js';
import { Attachment } from './attachment.js';

const of = (engine: Engine, result = 0): Attachment => {
  if (engine.data instanceof Attachment) return engine.data.enter(result);
  throw new TypeError('this engine belongs to no client');
};

/** The callbacks of every client: its state is the engine's data. */
export const CLIENT_OPS: EngineOps = {
  reportQuiesce: (_action, engine, event) => of(engine).quiesced(event),
  reportSignal: (action, engine, report) => of(engine, action & ~RESUME_MASK).reported(report, action),
  reportJctl: (_action, engine) => of(engine).eventStop(),
  reportSyscallEntry: (action, engine) => of(engine, action & SYSCALL_ACTION.ABORT).syscall(true),
  reportSyscallExit: (_action, engine) => of(engine).syscall(false),
  reportSeccomp: (_action, engine) => of(engine).seccomp(),
  reportVforkDone: (_action, engine) => of(engine).vforkDone(),
  reportClone: (_action, engine, clone) => of(engine).cloned(clone),
  reportExec: (_action, engine, exec) => of(engine).executed(exec),
  reportExit: (_action, engine) => of(engine).exiting(),
  reportDeath: (engine, { status }) => of(engine).died(status),
  reportReap: (engine) => {
    of(engine).reaped();
  },
};
