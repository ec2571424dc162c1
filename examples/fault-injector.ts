// Makes every Nth call of one system call fail.   node --import tsx examples/fault-injector.ts openat ENOENT 3 cat /etc/hostname
import { ERRNO } from 'linux-ptrace/kernel';
import { Tracer } from 'linux-ptrace';

const [name = 'openat', errorName = 'ENOENT', every = '1', file = 'true', ...args] = process.argv.slice(2);
const errno = (ERRNO as Readonly<Record<string, number>>)[errorName];
if (errno === undefined) throw new Error(`no error ${errorName}`);

await using tracer = new Tracer({ resume: 'syscall' });
const tracee = await tracer.spawn(file, args);

let count = 0;
let injected = 0;
const failing = new Set<number>();
for await (const stop of tracer) {
  if (stop.kind === 'syscall-entry' && stop.name === name && ++count % Number(every) === 0) {
    stop.skip();
    failing.add(stop.tid);
  } else if (stop.kind === 'syscall-exit' && failing.delete(stop.tid)) {
    stop.setResult(-errno);
    injected++;
  } else if (stop.kind === 'exited' && stop.tracee === tracee) {
    console.log(`${injected} of ${count} calls of ${name} failed with ${errorName}; exited with ${stop.code}`);
  }
}
