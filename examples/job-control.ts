// Watches a process stop and go on without ever running it itself (PTRACE_LISTEN).   node --import tsx examples/job-control.ts PID
import { Tracer } from 'linux-ptrace';

const pid = Number(process.argv[2]);
await using tracer = new Tracer({ onTracerExit: 'detach' });
await tracer.seize(pid);
console.log(`watching ${pid}`);

for await (const stop of tracer) {
  switch (stop.kind) {
    case 'signal-delivery':
      console.log(`${stop.tid}: ${stop.signalName} arrives`);
      stop.resume();
      break;
    case 'group-stop':
      console.log(`${stop.tid}: stopped by ${stop.signalName}`);
      // It stays stopped, as its shell wants it; what comes next is told.
      stop.listen();
      break;
    case 'event-stop':
      if (stop.cause === 'job-control') console.log(`${stop.tid}: continues`);
      stop.resume();
      break;
    case 'exited':
      console.log(`${stop.tid}: exited with ${stop.code}`);
      break;
    case 'killed':
      console.log(`${stop.tid}: killed by ${stop.signalName}`);
      break;
  }
}
