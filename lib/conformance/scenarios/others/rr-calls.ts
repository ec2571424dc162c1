/** rr's tests of clone and exec, and of changing what a tracee calls and executes. */
import { readFileSync } from 'node:fs';
import { breakpointFor } from '../../../kernel/breakpoint.js';
import { PTRACE_O } from '../../../kernel/options.js';
import { W } from '../../../kernel/wait-flags.js';
import { CLONE } from '../../../raw/child.js';
import { peekData, pokeData } from '../../../raw/index.js';
import { callBytes } from '../../parts/instructions.js';
import { PRIVATE_ANONYMOUS, READ_WRITE } from '../../parts/memory-map.js';
import { TINY_EXIT, tinyProgram } from '../../parts/programs.js';
import { toEntry } from '../../parts/system-calls.js';
import { commit, manual, scenario, suite, type Scenario } from '../../scenario.js';

const PAGE = 4096;
const BYTE = 0xffn;

export const rrCalls: readonly Scenario[] = [
  scenario({
    id: 'ptrace_trace_clone',
    title:
      'A fork, the end of the child and a new thread are reported in turn to a tracer that is not the child’s parent',
    source: [suite('rr', 'ptrace_trace_clone'), manual('ptrace(2)', 'PTRACE_EVENT stops')],
    tags: ['fork', 'clone', 'threads', 'wait', 'real-parent', 'exit'],
    rule:
      'The child’s end is the tracer’s to reap; only then its parent gets SIGCHLD, which is another stop, and has its own wait answered. A new thread ' +
      'reports EVENT_STOP and its end, which its process never sees, by its own id.',
    since: '3.4',
    play(s) {
      const e = s.tracee(
        'E',
        (c) => {
          c.fork((child) => child.exitGroup(9));
          c.wait4(-1, 0).store('status', c.status);
          c.thread((thread) => thread.exit(0));
          c.loop((again) => again.pause());
        },
        { options: PTRACE_O.TRACEFORK | PTRACE_O.TRACECLONE },
      );
      e.cont();
      e.wait();
      const child = e.newTask('child');
      child.wait();
      e.cont();
      child.cont();
      child.waitid(W.WEXITED | W.WNOWAIT);
      e.poll();
      child.wait();
      e.wait();
      e.siginfo();
      e.cont('SIGCHLD');
      e.wait();
      e.observe('exit code that its wait4 has found', e.word('status') >> 8n);
      const thread = e.newTask('thread');
      thread.wait(W.__WCLONE);
      e.cont();
      thread.cont();
      thread.wait(W.__WCLONE);
      e.poll();
    },
    expect: `
      E: CONT = 0
      E: wait = event FORK
      E: event message = child
      child: wait = event STOP SIGTRAP
      E: CONT = 0
      child: CONT = 0
      child: waitid = CLD_EXITED 0x9
      E: poll = nothing
      child: wait = exited 9
      E: wait = stopped by SIGCHLD
      E: siginfo = SIGCHLD CLD_EXITED from child
      E: CONT SIGCHLD = 0
      E: wait = event CLONE
      E: exit code that its wait4 has found = 9
      E: event message = thread
      thread: wait = event STOP SIGTRAP
      E: CONT = 0
      thread: CONT = 0
      thread: wait = exited 0
      E: poll = nothing
    `,
  }),

  scenario({
    id: 'ptrace_syscall_clone_untraced',
    title: 'A tracer that puts CLONE_UNTRACED into the flags at the entry of clone gets no event and no tracee',
    source: [suite('rr', 'ptrace_syscall_clone_untraced'), manual('clone(2)', 'CLONE_UNTRACED')],
    tags: ['clone', 'syscall-stop', 'registers', 'auto-attach'],
    rule:
      'The flags are read when the call is made, after the entry-stop. So a tracer can keep out of one child while its options stay as they are; what comes ' +
      'next is the end of the call, at the same program counter.',
    since: '5.3',
    play(s) {
      const e = s.tracee('E', (c) => c.block('SIGCHLD').fork((child) => child.loop((again) => again.pause())), {
        options: PTRACE_O.TRACEFORK | PTRACE_O.TRACECLONE | PTRACE_O.TRACESYSGOOD,
      });
      toEntry(e, 'clone');
      const { pc } = e.registers();
      e.changeRegisters((registers) => {
        registers.setArg(0, registers.arg(0) | BigInt(CLONE.UNTRACED));
      });
      e.syscall();
      e.wait();
      const child = s.adopt('child', Number(e.registers().result));
      e.syscallInfo();
      e.observe('program counter is the same', e.registers().pc === pc);
      child.tracer();
    },
    expect: `
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit child
      E: program counter is the same = true
      child: tracer = nobody
    `,
  }),

  scenario({
    id: 'ptrace_exec',
    title: 'At EVENT_EXEC /proc shows the new program already, and the execve has still to return',
    source: [suite('rr', 'ptrace_exec'), manual('ptrace(2)', 'PTRACE_O_TRACEEXEC')],
    tags: ['exec', 'proc', 'syscall-stop'],
    rule:
      'The stop lies behind the point of no return: memory, arguments and name are those of the new program, of which nothing has run. The exit-stop that ' +
      'follows belongs to the execve and has the result 0.',
    since: '5.3',
    play(s) {
      const e = s.tracee('E', (c) => c.exec(tinyProgram(), ['new', 'program']), {
        options: PTRACE_O.TRACEEXEC | PTRACE_O.TRACESYSGOOD,
      });
      const isNew = (): boolean => readFileSync(`/proc/${e.tid}/cmdline`, 'utf8') === 'new\0program\0';
      toEntry(e, 'execve');
      e.observe('arguments of the new program', isNew());
      e.syscall();
      e.wait();
      e.observe('arguments of the new program', isNew());
      e.syscall();
      e.wait();
      e.syscallInfo();
      e.cont();
      e.wait();
    },
    expect: `
      E: arguments of the new program = false
      E: SYSCALL = 0
      E: wait = event EXEC
      E: arguments of the new program = true
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit 0
      E: CONT = 0
      E: wait = exited ${TINY_EXIT}
    `,
  }),

  scenario({
    id: 'ptrace_remote_unmap',
    title: 'A tracer can have a tracee make a call of its own choice, and then the one that it was about to make',
    source: [suite('rr', 'ptrace_remote_unmap'), manual('ptrace(2)', 'Syscall-stops')],
    tags: ['syscall-stop', 'registers', 'memory'],
    rule:
      'Number and arguments are taken from the registers when the entry-stop ends. To make the first call after all, the tracer puts the registers of its ' +
      'entry back and the program counter on the instruction that calls.',
    since: '5.3',
    play(s) {
      const e = s.tracee(
        'E',
        (c) => {
          c.syscall('mmap', 0, PAGE, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0).store('page');
          c.syscall('getppid')
            .store('getppid')
            .store('done', 1)
            .loop((again) => again.pause());
        },
        { options: PTRACE_O.TRACESYSGOOD },
      );
      toEntry(e, 'getppid');
      const entry = e.registers();
      const page = e.word('page');
      e.peek(page, 'PEEKDATA of the page');
      e.changeRegisters((registers) => {
        registers.setArg(0, page);
        registers.setArg(1, PAGE);
      });
      e.setSyscallNumber(e.syscallNumber('munmap'));
      e.syscall();
      e.wait();
      e.syscallInfo();
      e.peek(page, 'PEEKDATA of the page');
      const number = entry.syscallNumber;
      entry.pc -= callBytes(e);
      // Where number and result share a register the number has to be put back.
      if (s.arch.name === 'x64') entry.result = BigInt(number);
      e.setRegisters(entry);
      e.syscall();
      e.wait();
      e.syscallInfo();
      e.cont();
      e.untilSet('done');
      e.observe('its getppid', s.nameOf(Number(e.word('getppid'))));
    },
    expect: `
      E: PEEKDATA of the page = 0x0
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = exit 0
      E: PEEKDATA of the page = EIO
      E: SYSCALL = 0
      E: wait = syscall-stop
      E: syscall info = entry getppid
      E: CONT = 0
      E: its getppid = R
    `,
  }),

  scenario({
    id: 'ptrace_breakpoint',
    title: 'A breakpoint that was written into the program stops it, and taken out again lets it go on',
    source: [suite('rr', 'ptrace_breakpoint'), commit('1da177e4c3f4', 'Linux-2.6.12-rc2')],
    tags: ['breakpoint', 'memory', 'registers'],
    rule:
      'POKETEXT and POKEDATA write into pages that the tracee cannot write: it gets a copy of its own. Behind the stop the tracer puts the instruction ' +
      'back and sets the program counter on it.',
    play(s) {
      const e = s.tracee('E', (c) =>
        c
          .nops()
          .store('passed', 1)
          .loop((again) => again.pause()),
      );
      const { bytes, pcOffset } = breakpointFor(s.arch.nativeAbi);
      const at = e.child.nops + 8n;
      const saved = peekData(e.tid, at);
      let patched = saved;
      for (const [index, byte] of bytes.entries()) {
        const shift = 8n * BigInt(index);
        patched = (patched & ~(BYTE << shift)) | (BigInt(byte) << shift);
      }
      e.poke(at, patched, 'POKEDATA of the breakpoint');
      e.cont();
      e.wait();
      e.observe('it stands at the breakpoint', e.registers().pc === at + pcOffset);
      e.result('passed');
      pokeData(e.tid, at, saved);
      e.changeRegisters((registers) => {
        registers.pc = at;
      });
      e.cont();
      e.untilSet('passed');
      e.result('passed');
    },
    expect: `
      E: POKEDATA of the breakpoint = 0
      E: CONT = 0
      E: wait = stopped by SIGTRAP
      E: it stands at the breakpoint = true
      E: passed = 0
      E: CONT = 0
      E: passed = 1
    `,
  }),
];
