/** Several who trace in one JavaScript thread, on the kernel and on virtual ptraces: the waits of one take nothing from another. */
import { describe, expect, it } from 'vitest';
import { type Engines, EVENT, UTRACE, VirtualPtrace, withKernelLayer } from '../../../lib/engine/index.js';
import { Tracer } from '../../../lib/tracer/index.js';
import { attach, child, session, stormer, until, within } from '../../helpers/engines.js';
import { newTracer, seizeOne } from '../../helpers/tracing.js';

const STOPS = 200;

/** Follows a process of its own from system call to system call. How many stops it has seen. */
interface Follower {
  seen(): number;
  close(): Promise<void>;
}

async function byTracer(tracer: Tracer, pid: number): Promise<Follower> {
  const tracee = await seizeOne(tracer, pid);
  await tracee.interrupt();
  let seen = 0;
  const follow = async (): Promise<void> => {
    for (; seen < STOPS; seen++) await tracee.resume('syscall');
    await tracer.close();
  };
  const followed = follow();
  return { seen: () => seen, close: () => followed };
}

function byEngines(engines: Engines, pid: number): Follower {
  let seen = 0;
  const engine = attach(engines, pid, EVENT.QUIESCE | EVENT.SYSCALL_ENTRY, {
    reportQuiesce: () => undefined,
    reportSyscallEntry: () => {
      seen++;
      return undefined;
    },
  });
  engine.control(UTRACE.REPORT);
  return { seen: () => seen, close: () => engines.close() };
}

const followers: Readonly<Record<string, (pid: number) => Follower | Promise<Follower>>> = {
  'a tracer': (pid) => byTracer(newTracer(), pid),
  engines: (pid) => byEngines(session().engines, pid),
  'a client of another virtual ptrace': (pid) =>
    byTracer(
      withKernelLayer(new VirtualPtrace().client(), () => new Tracer()),
      pid,
    ),
};

describe('a client of a virtual ptrace', () => {
  it.each(Object.entries(followers))('beside %s', async (_name, follow) => {
    const client = withKernelLayer(new VirtualPtrace().client(), () => new Tracer());
    const both = [await byTracer(client, child(stormer()).pid), await follow(child(stormer()).pid)];
    await until(
      () => both.every((each) => each.seen() >= STOPS),
      () => `both see their stops: ${both.map((each) => each.seen()).join()}`,
    );
    for (const each of both) await within(each.close(), 'it closes');
    expect(client.tracees).toEqual([]);
  });
});
