/** The one place where a task keeps what an interrupted wait with a time limit needs to go on. */
import { writeSync } from 'node:fs';
import { binding } from '../../../../binding.js';
import { procSyscall } from '../../../../proc.js';
import { resultText } from '../../../describe.js';
import { manual, scenario, suite, type Scenario } from '../../../scenario.js';
import { codeTracee, I, registersOf } from './machine-code.js';

/** Where in the code the call of the debugger is. */
const INNER = 64;
/** Words of the data: a struct timespec of ten minutes, a struct pollfd, a byte. */
const TIME = 64n;
const POLL = 128n;
const TEN_MINUTES = 600;
const POLLIN = 1n;

export const restartBlock: readonly Scenario[] = [
  scenario({
    id: 'restart_block',
    title:
      'An interrupted nanosleep goes on as the poll that a debugger has made in between, though all registers are as before',
    source: [suite('ptrace-tests', 'restart_block'), manual('restart_syscall(2)', 'DESCRIPTION')],
    tags: ['restart', 'registers', 'signals'],
    rule:
      'What is left of the time of an interrupted nanosleep(2) is in the task’s restart block, not in registers. A debugger that calls a function there, ' +
      'which waits with a time limit too and is interrupted, overwrites it: restart_syscall(2) then goes on with the inner wait. No tracer can save it.',
    recorded: 'a limit of the kernel that is known and may be lifted',
    arch: ['x64'],
    play(s) {
      const ends = new Int32Array(2);
      s.require(binding().pipe(ends) === 0, 'there is a pipe');
      s.onClose(() => {
        for (const fd of ends) binding().closeFd(fd);
      });
      const [read = -1, write = -1] = ends;
      const tracee = codeTracee(s, 'E', [I.syscall, I.int3], undefined, { keepFds: [read] });
      const e = tracee.actor;
      s.unrecorded(() => {
        e.poke(tracee.data + TIME, BigInt(TEN_MINUTES));
        e.poke(tracee.data + POLL, BigInt(read) | (POLLIN << 32n));
      });
      tracee.write([I.syscall, I.int3], INNER);
      const observeCall = (): void => {
        const number = procSyscall(e.tid);
        e.observe('sleeps in', typeof number === 'number' ? e.syscallName(number) : 'no call');
      };
      tracee.goTo(0, (registers) => {
        registers.rax = e.syscallNumber('nanosleep');
        [tracee.data + TIME, 0n].forEach((value, index) => registers.setArg(index, value));
      });
      e.cont();
      e.untilAsleep();
      e.tgkill('SIGUSR1');
      e.wait();
      const saved = registersOf(e);
      e.observe('rax', resultText(saved.result));
      tracee.goTo(INNER, (registers) => {
        registers.rax = e.syscallNumber('poll');
        [tracee.data + POLL, 1n, BigInt(TEN_MINUTES * 1000)].forEach((value, index) => registers.setArg(index, value));
      });
      e.cont();
      e.untilAsleep();
      observeCall();
      e.tgkill('SIGUSR2');
      e.wait();
      e.setRegisters(saved);
      e.cont();
      e.untilAsleep();
      observeCall();
      // A byte ends a poll, not a nanosleep.
      writeSync(write, 'x');
      const status = e.poll();
      if (status === undefined) return;
      tracee.observePlace();
      e.observe('rax', resultText(registersOf(e).result));
    },
  }),
];
