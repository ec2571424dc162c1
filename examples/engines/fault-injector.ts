// Makes every Nth call of one system call fail.   node --import tsx examples/engines/fault-injector.ts openat ENOENT 3 cat /etc/hostname
import { ERRNO } from 'linux-ptrace/kernel';
import { ATTACH, Engines, EVENT, SYSCALL_ACTION, UTRACE, type EngineThread } from 'linux-ptrace/engine';

export interface Injection {
  readonly call: string;
  readonly errno: number;
  readonly every: number;
  /** Counted: all calls, and those that failed. */
  calls: number;
  injected: number;
}

/** An engine for a thread and all that come from it. */
export function faultInjector(engines: Engines, what: Injection): (thread: EngineThread) => void {
  const attach = (thread: EngineThread): void => {
    let failing = false;
    const engine = engines.attach(thread, ATTACH.CREATE, {
      reportSyscallEntry(action, _engine, call) {
        // Entries that were reported before, and calls that another engine skips already, are not counted.
        if (call.name !== what.call || (action & (SYSCALL_ACTION.RESUMED | SYSCALL_ACTION.ABORT)) !== 0)
          return undefined;
        failing = ++what.calls % what.every === 0;
        return failing ? UTRACE.RESUME | SYSCALL_ACTION.ABORT : undefined;
      },
      reportSyscallExit(_action, _engine, call) {
        if (!failing) return;
        failing = false;
        call.setResult(-what.errno);
        what.injected++;
      },
      reportClone(_action, _engine, { child }) {
        attach(child);
      },
    });
    engine.setEvents(EVENT.SYSCALL_ENTRY | EVENT.SYSCALL_EXIT | EVENT.CLONE);
  };
  return attach;
}

if (import.meta.filename === process.argv[1]) {
  const [call = 'openat', name = 'ENOENT', every = '1', file = 'true', ...args] = process.argv.slice(2);
  const errno = (ERRNO as Readonly<Record<string, number>>)[name];
  if (errno === undefined) throw new Error(`no error ${name}`);
  await using engines = new Engines();
  const program = engines.spawn({ file, args });
  const injection: Injection = { call, errno, every: Number(every), calls: 0, injected: 0 };
  faultInjector(engines, injection)(program.thread);
  program.release();
  await engines.done();
  console.log(`${injection.injected} of ${injection.calls} calls of ${call} failed with ${name}`);
}
