/** Steps where the instruction lies badly. */
import { expect, it } from 'vitest';
import { binding } from '../../lib/binding.js';
import { EVENT, SIGNAL_ACTION, UTRACE } from '../../lib/engine/index.js';
import { SIG } from '../../lib/kernel/signals.js';
import { script } from '../../lib/raw/child.js';
import { attach, child, Deferred, nothing, send, session, until, within } from '../helpers/engines.js';
import { readWord, stateOf } from '../helpers/tracing.js';

const { DETACH, REPORT, RESUME, SINGLESTEP } = UTRACE;
const PAGE = 4096n;
const READ_EXECUTE = 5;
const PRIVATE_ANONYMOUS = 0x22;

/** Loads the number of getppid(2), and calls it. */
const CALL =
  process.arch === 'arm64'
    ? { bytes: [0xa8, 0x15, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4], instruction: 4n }
    : { bytes: [0xb8, 0x6e, 0x00, 0x00, 0x00, 0x0f, 0x05], instruction: 2n };

it('a step over a system call instruction at the very end of a mapping does not hide the call', async () => {
  const { engines } = session();
  const program = script();
  const started = child(
    program
      .syscall('mmap', 0, 2n * PAGE, READ_EXECUTE, PRIVATE_ANONYMOUS, -1, 0)
      .store('page')
      .compute(program.word('page'), 'add', PAGE, 1)
      .syscall('munmap', program.register(1), PAGE)
      .store('ready', 1)
      .loop((s) => s.spin(1000)),
  );
  await until(() => readWord(started, 'ready') === 1n, 'its page is there');
  const end = readWord(started, 'page') + PAGE;
  const begin = end - BigInt(CALL.bytes.length);
  const done = new Deferred();
  const seen: string[] = [];
  attach(engines, started.pid, EVENT.SYSCALL_ENTRY | EVENT.SYSCALL_EXIT, {
    reportSyscallEntry: (_action, _own, { name }) => {
      seen.push(`entry of ${name}`);
    },
    reportSyscallExit: () => {
      seen.push('exit');
    },
  });
  let begun = false;
  const stepper = attach(engines, started.pid, EVENT.QUIESCE, {
    reportQuiesce: nothing,
    reportSignal: (action, { thread }, { signal }) => {
      const { registers } = thread;
      if (!begun) {
        begun = true;
        expect(thread.memory.write(begin, new Uint8Array(CALL.bytes)).complete).toBe(true);
        registers.pc = begin;
        return SINGLESTEP | (action & 0x70);
      }
      if (signal !== SIG.SIGTRAP) return RESUME | (action & 0x70);
      seen.push(`trap at ${registers.pc - end}`);
      if (registers.pc < end) return SINGLESTEP | SIGNAL_ACTION.IGN;
      // There is nothing behind it to go on with.
      send(started.pid, SIG.SIGKILL);
      done.resolve();
      return RESUME | SIGNAL_ACTION.IGN;
    },
  });
  expect(stepper.control(REPORT)).toBe(0);
  await within(done.promise, () => `seen: ${seen.join(', ')}`);
  expect(seen).toEqual([`trap at -${CALL.instruction}`, 'entry of getppid', 'exit', 'trap at 0']);
});

it('a thread that was stepped into a group stop is let go out of it, though a trap is pending', async () => {
  const { engines } = session();
  const started = child(
    script()
      .handle('SIGTRAP', (s) => s.increment('handled'))
      .thread((t) => t.loop((s) => s.pause()))
      .store('other')
      .loop((s) => s.spin(1000)),
  );
  const { pid } = started;
  const other = await until(() => Number(readWord(started, 'other')), 'its other thread is there');
  let steps = 0;
  let stops = 0;
  const stepper = attach(engines, pid, EVENT.QUIESCE | EVENT.JCTL, {
    reportQuiesce: nothing,
    reportJctl: () => {
      stops++;
      return undefined;
    },
    reportSignal: (action, _own, { signal }) => {
      if (signal === SIG.SIGTRAP) steps++;
      return SINGLESTEP | (signal === SIG.SIGTRAP ? SIGNAL_ACTION.IGN : action & 0x70);
    },
  });
  expect(stepper.control(REPORT)).toBe(0);
  await until(() => steps > 10, 'it steps');
  // The other thread begins the stop, and this one meets it behind a step.
  expect(binding().tgkill(pid, other, SIG.SIGSTOP)).toBe(0);
  await until(() => stops > 0 && stepper.thread.state === 'running', 'it listens');
  // It stays where it is, as the trap of a step does that a stop was quicker than.
  expect(binding().tgkill(pid, pid, SIG.SIGTRAP)).toBe(0);
  expect(stepper.control(DETACH)).toBe(0);
  await within(engines.done(), 'it is let go');
  await until(() => stateOf(pid) === 'T', 'the group stop goes on');
  send(pid, SIG.SIGCONT);
  await until(() => readWord(started, 'handled') === 1n, 'what somebody has sent is not lost');
});
