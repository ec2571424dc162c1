import { spawn as spawnNode } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readdirSync, readFileSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { binding } from '../../lib/binding.js';
import { PtraceError } from '../../lib/errors.js';
import { ERRNO } from '../../lib/kernel/errno.js';
import { CLONE, Operand, result, run, SA, script, start, type ChildScript } from '../../lib/raw/child.js';
import { root } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';
import { end, stateOf, until, waitEnd, waitFor } from './ends.js';

const PTRACE_CONT = 7;
const SIGCHLD = 17;

function exited(code: number): number {
  return code << 8;
}

/** Plays a script to its end: the exit code. */
function play(child: ChildScript): number {
  const status = waitEnd(run(child));
  expect(status & 0x7f, `status 0x${status.toString(16)}`).toBe(0);
  return status >> 8;
}

function pipe(): [read: number, write: number] {
  const ends = new Int32Array(2);
  expect(binding().pipe(ends)).toBe(0);
  return [ends[0] ?? -1, ends[1] ?? -1];
}

function readAll(fd: number): string {
  const chunk = Buffer.alloc(65536);
  let text = '';
  for (let length = readSync(fd, chunk); length > 0; length = readSync(fd, chunk))
    text += chunk.toString('utf8', 0, length);
  closeSync(fd);
  return text;
}

/** Plays a script that writes to a descriptor: all it wrote, and its status. */
function outputOf(make: (fd: number) => ChildScript): { output: string; status: number } {
  const [read, write] = pipe();
  const pid = run(make(write), { keepFds: [write] });
  closeSync(write);
  const output = readAll(read);
  return { output, status: waitEnd(pid) };
}

function memory(pid: number, address: bigint, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  expect(binding().processVmRead(pid, address, bytes, 0, length)).toBe(length);
  return bytes;
}

function word(pid: number, address: bigint): bigint {
  return memory(pid, address, 8).readBigInt64LE();
}

function poke(pid: number, address: bigint, value: bigint): void {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  expect(binding().processVmWrite(pid, address, bytes, 0, 8)).toBe(8);
}

function statusField(pid: number, field: string): string | undefined {
  return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
}

describe('a child that plays a script', () => {
  it('asks to be traced and stops itself', () => {
    const pid = run(script().traceme().tgkillSelf('SIGSTOP').exitGroup(7));
    expect(waitFor(pid)).toBe(0x137f);
    expect(statusField(pid, 'TracerPid')).toBe(String(process.pid));
    expect(binding().ptrace(PTRACE_CONT, pid, 0, 0)).toBe(0);
    expect(waitEnd(pid)).toBe(exited(7));
  });

  it('has default dispositions, an empty mask, its own group and no descriptor of ours', () => {
    const [read, write] = pipe();
    const pid = run(script().pause(), { keepFds: [write] });
    until('it pauses', () => stateOf(pid) === 'S' && readdirSync(`/proc/${pid}/fd`).length === 4);
    expect(readdirSync(`/proc/${pid}/fd`).map(Number)).toEqual([0, 1, 2, write]);
    expect(readlinkSync(`/proc/${pid}/fd/${write}`)).toBe(readlinkSync(`/proc/self/fd/${read}`));
    for (const field of ['SigBlk', 'SigIgn', 'SigCgt', 'SigPnd', 'ShdPnd']) {
      expect(statusField(pid, field), field).toBe('0000000000000000');
    }
    expect(binding().getpgid(pid)).toBe(pid);
    expect(statusField(pid, 'Threads')).toBe('1');
    closeSync(read);
    closeSync(write);
    end(pid);
  });

  it('keeps descriptors and group when told so', () => {
    const [read, write] = pipe();
    const pid = run(script().pause(), { keepFds: true, ownGroup: false });
    until('it pauses', () => stateOf(pid) === 'S');
    expect(readdirSync(`/proc/${pid}/fd`)).toEqual(expect.arrayContaining([String(read), String(write)]));
    expect(binding().getpgid(pid)).toBe(binding().getpgid(0));
    closeSync(read);
    closeSync(write);
    end(pid);
  });

  it('ends with 0 at the end of its script, with a code, or by a signal', () => {
    expect(play(script())).toBe(0);
    expect(play(script().exit(3))).toBe(3);
    expect(play(script().exitGroup(4))).toBe(4);
    expect(waitEnd(run(script().killSelf('SIGTERM').pause()))).toBe(15);
    expect(waitEnd(run(script().tgkillSelf(40).pause()))).toBe(40);
  });

  it('can be started many times from one script', () => {
    const once = script().increment('n').load('n').exit(result);
    expect([play(once), play(once), play(once)]).toEqual([1, 1, 1]);
  });

  it('dies with this process', { timeout: limit(20_000) }, async () => {
    for (const worker of [false, true]) {
      // The machine's code for: prctl(PR_SET_PDEATHSIG, SIGKILL); pause (ppoll) for ever.
      const [prctl, pause] = process.arch === 'arm64' ? [167, 73] : [157, 34];
      const code = `
        const addon = require(${JSON.stringify(createRequire(import.meta.url).resolve('node-gyp-build'))})(${JSON.stringify(root)});
        const code = BigInt64Array.from([1n, ${prctl}n, 1n, 9n, 0n, 0n, 0n, 0n, 1n, ${pause}n, 0n, 0n, 0n, 0n, 0n, 0n]);
        const pid = addon.runScript(code, new Uint8Array(0), 0, null);
        const { parentPort } = require('node:worker_threads');
        if (parentPort) parentPort.postMessage(pid); else console.log(pid);
        setInterval(() => {}, 1000);
      `;
      let pid: number;
      if (worker) {
        const thread = new Worker(code, { eval: true });
        [pid] = (await once(thread, 'message')) as [number];
        until('it pauses', () => stateOf(pid) === 'S');
        await thread.terminate();
        expect(waitEnd(pid)).toBe(9);
      } else {
        const node = spawnNode(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
        const [line] = (await once(node.stdout, 'data')) as [Buffer];
        pid = Number(line.toString());
        until('it pauses', () => stateOf(pid) === 'S');
        node.kill('SIGKILL');
        await once(node, 'exit');
        until('it is gone', () => [undefined, 'Z', 'X'].includes(stateOf(pid)));
      }
    }
  });

  it('500 times leaves no mapping, descriptor or zombie', { timeout: limit(60_000) }, () => {
    const part = script()
      .thread((s) => s.increment('n'))
      .waitUntil('n', '==', 1)
      .exitGroup(5);
    const mappings = (): number => readFileSync('/proc/self/maps', 'latin1').split('\n').length;
    for (let i = 0; i < 20; i++) expect(play(part)).toBe(5);
    const before = readdirSync('/proc/self/fd').length;
    // The engine's heap grows by dozens of mappings now and then, a leak by one a child in every round.
    const growth: number[] = [];
    for (let round = 0; round < 4; round++) {
      const mapped = mappings();
      for (let i = 0; i < 125; i++) expect(play(part)).toBe(5);
      growth.push(mappings() - mapped);
    }
    expect(Math.min(...growth), growth.join(' ')).toBeLessThan(40);
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });
});

describe('computing', () => {
  it('with registers, words and the result', () => {
    expect(play(script().compute(40, 'add', 2).exit(result))).toBe(42);
    expect(play(script().set(100, 3).compute(Operand.register(3), 'subtract', 1, 4).exit(Operand.register(4)))).toBe(
      99,
    );
    expect(play(script().compute(6, 'multiply', 7).exit(result))).toBe(42);
    expect(play(script().compute(0xff, 'and', 0x3c).compute(result, 'xor', 4).exit(result))).toBe(0x38);
    expect(play(script().compute(1, 'shiftLeft', 6).compute(result, 'or', 1).exit(result))).toBe(65);
    expect(play(script().compute(-1, 'shiftRight', 57).exit(result))).toBe(127);
    const words = script();
    words.store('a', 20).store('b', words.word('a')).increment('b', 5);
    expect(play(words.exit(words.word('b')))).toBe(25);
    expect(play(script().store('x', 8).increment('x', 3).exit(result))).toBe(8);
  });

  it('with bytes at addresses', () => {
    const bytes = script().buffer('text', 'AB');
    bytes.compute(bytes.address('text'), 'add', 1).set(result, 1).loadAt(bytes.register(1), 1);
    expect(play(bytes.exit(result))).toBe(66);
    const wide = script();
    wide.storeAt(wide.address('x'), -2, 4).load('x').compute(result, 'shiftRight', 24);
    expect(play(wide.exit(result))).toBe(255);
    const narrow = script();
    narrow.storeAt(narrow.address('x'), 0x1234, 1).load('x');
    expect(play(narrow.exit(result))).toBe(0x34);
    const sign = script().buffer('x', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0));
    sign.loadAt(sign.address('x'), 4).compute(result, 'add', 43);
    expect(play(sign.exit(result))).toBe(42);
  });

  it('in loops, one in another', () => {
    const loops = script().loop((s) => s.loop((t) => t.increment('n'), 7).loop((t) => t.increment('n'), 2), 5);
    expect(play(loops.load('n').exit(result))).toBe(45);
    expect(
      play(
        script()
          .loop((s) => s.exit(9), 0)
          .exit(1),
      ),
    ).toBe(1);
  });

  it('with branches', () => {
    const cases: [number, '==' | '!=' | '<' | '<=' | '>' | '>=' | 'below', number, boolean][] = [
      [1, '==', 1, true],
      [1, '!=', 1, false],
      [-1, '<', 1, true],
      [-1, 'below', 1, false],
      [1, '<=', 1, true],
      [2, '>', 1, true],
      [1, '>', 1, false],
      [1, '>=', 1, true],
      [1, 'below', -1, true],
    ];
    for (const [left, condition, right, holds] of cases) {
      const code = play(
        script()
          .when(left, condition, right, (s) => s.exit(1))
          .exit(2),
      );
      expect(code, `${left} ${condition} ${right}`).toBe(holds ? 1 : 2);
    }
  });

  it('with labels and subroutines', () => {
    const labels = script().jump('start').label('twice').increment('n', 2).return();
    labels.label('start').call('twice').call('twice').load('n').jumpIf(result, '==', 4, 'good').exit(1).label('good');
    expect(play(labels.exit(6))).toBe(6);
  });

  it('the results of system calls, errors as negative numbers', () => {
    const child = start(
      script().syscall('getppid').store('parent').syscall('close', 12345).store('error').store('done', 1).pause(),
    );
    until('it is done', () => word(child.pid, child.address('done')) === 1n);
    expect(word(child.pid, child.address('parent'))).toBe(BigInt(process.pid));
    expect(word(child.pid, child.address('error'))).toBe(BigInt(-ERRNO.EBADF));
    end(child.pid);
  });

  it('writes what it is told', () => {
    const { output, status } = outputOf((fd) => {
      const s = script().buffer('more', 'and a buffer\n');
      return s.write(fd, 'text, ü\n').write(fd, s.address('more'), 13).exit(result);
    });
    expect(output).toBe('text, ü\nand a buffer\n');
    expect(status).toBe(exited(13));
  });
});

describe('signals', () => {
  it('run handlers, which have the signal and the siginfo', () => {
    const handled = script().handle(
      'SIGUSR1',
      (s) => {
        s.store('signal', result).loadAt(s.register(1), 4).store('si_signo').increment('count');
      },
      { flags: SA.SIGINFO },
    );
    handled.loop((s) => s.tgkillSelf('SIGUSR1'), 3);
    handled
      .compute(handled.word('signal'), 'add', handled.word('si_signo'))
      .compute(result, 'add', handled.word('count'));
    expect(play(handled.exit(result))).toBe(23);
  });

  it('interrupt or restart system calls', () => {
    for (const [flags, wanted] of [
      [0, 1],
      [SA.RESTART, 2],
    ] as const) {
      const [read, write] = pipe();
      const reader = script()
        .handle('SIGUSR1', (s) => s.store('handled', 1), { flags })
        .store('ready', 1);
      reader.syscall('read', read, reader.address('byte'), 1);
      reader.when(result, '==', -ERRNO.EINTR, (s) => s.exit(1)).exit(2);
      const reading = start(reader, { keepFds: [read] });
      until('it reads', () => word(reading.pid, reading.address('ready')) === 1n && stateOf(reading.pid) === 'S');
      binding().kill(reading.pid, 10);
      until('it has handled the signal', () => {
        const bytes = Buffer.alloc(8);
        const got = binding().processVmRead(reading.pid, reading.address('handled'), bytes, 0, 8);
        return got < 0 || bytes.readBigInt64LE() === 1n;
      });
      writeSync(write, 'x');
      expect(waitEnd(reading.pid)).toBe(exited(wanted));
      closeSync(read);
      closeSync(write);
    }
  });

  it('with SA_RESETHAND once, with SA_NODEFER within themselves', () => {
    const once = script().handle('SIGUSR1', (s) => s.increment('n'), { flags: SA.RESETHAND });
    expect(waitEnd(run(once.tgkillSelf('SIGUSR1').tgkillSelf('SIGUSR1').pause()))).toBe(10);
    const nested = (flags: number): ChildScript =>
      script()
        .handle(
          'SIGUSR1',
          (s) => {
            s.increment('depth').increment('calls').load('calls');
            s.when(result, '<', 5, (t) => t.tgkillSelf('SIGUSR1'));
            s.load('depth').when(result, '>', s.word('deepest'), (t) => t.store('deepest', t.word('depth')));
            s.increment('depth', -1);
          },
          { flags },
        )
        .tgkillSelf('SIGUSR1')
        .load('deepest')
        .exit(result);
    expect(play(nested(SA.NODEFER))).toBe(5);
    expect(play(nested(0))).toBe(1);
  });

  it('stay pending while blocked', () => {
    const child = start(script().block('SIGUSR1', 50).killSelf('SIGUSR1').tgkillSelf(50).store('ready', 1).pause());
    until('it has signals', () => word(child.pid, child.address('ready')) === 1n);
    expect(statusField(child.pid, 'SigBlk')).toBe('0002000000000200');
    expect(statusField(child.pid, 'ShdPnd')).toBe('0000000000000200');
    expect(statusField(child.pid, 'SigPnd')).toBe('0002000000000000');
    end(child.pid);
    expect(waitEnd(run(script().block('SIGUSR1').killSelf('SIGUSR1').unblock('SIGUSR1').pause()))).toBe(10);
    expect(play(script().block('SIGUSR2').killSelf('SIGUSR2').sigwait('SIGUSR2').exit(result))).toBe(12);
    const masked = script()
      .setMask('SIGUSR1')
      .handle('SIGUSR1', (s) => s.exit(8))
      .killSelf('SIGUSR1')
      .sigsuspend();
    expect(play(masked)).toBe(8);
  });

  it('are ignored or have their default action', () => {
    expect(play(script().ignore('SIGTERM').killSelf('SIGTERM').exit(1))).toBe(1);
    expect(waitEnd(run(script().ignore('SIGTERM').defaultAction('SIGTERM').killSelf('SIGTERM').pause()))).toBe(15);
    const mask = script().handle('SIGUSR1', (s) => s.killSelf('SIGUSR2').store('in', 1), { mask: ['SIGUSR2'] });
    mask
      .handle('SIGUSR2', (s) => s.exit(s.word('in')))
      .killSelf('SIGUSR1')
      .pause();
    expect(play(mask)).toBe(1);
  });

  it('come from timers', () => {
    expect(waitEnd(run(script().alarm(5).pause().pause()))).toBe(14);
    const ticks = script()
      .handle('SIGALRM', (s) => s.increment('n'), { flags: SA.RESTART })
      .alarm(1, 1);
    expect(play(ticks.waitUntil('n', '>=', 3).exit(0))).toBe(0);
  });

  it('come from faults', () => {
    expect(waitEnd(run(script().trap())) & 0x7f).toBe(5);
    expect(waitEnd(run(script().illegal())) & 0x7f).toBe(4);
    expect(waitEnd(run(script().fault())) & 0x7f).toBe(11);
    expect(waitEnd(run(script().fault(0x123456789000n))) & 0x7f).toBe(11);
    expect(
      play(
        script()
          .handle('SIGSEGV', (s) => s.exit(2))
          .fault(8),
      ),
    ).toBe(2);
  });
});

describe('children and threads', () => {
  it('forks, waits, and gets the status', () => {
    const parent = script()
      .fork((s) => s.exitGroup(17))
      .store('pid')
      .wait4();
    parent.when(result, '!=', parent.word('pid'), (s) => s.exit(1));
    parent.when(parent.status, '!=', exited(17), (s) => s.exit(2));
    expect(play(parent.exit(0))).toBe(0);
  });

  it('forks a tree', () => {
    const leaf = (s: ChildScript): ChildScript => s.exitGroup(1);
    const branch = (s: ChildScript): ChildScript =>
      s
        .loop((t) => t.fork(leaf), 3)
        .loop((t) => {
          t.wait4().compute(t.status, 'shiftRight', 8).increment('sum', result);
        }, 3)
        .load('sum')
        .exitGroup(result);
    const trunk = script().loop((s) => s.fork(branch), 3);
    trunk.loop((s) => {
      s.wait4().compute(s.status, 'shiftRight', 8).increment('sum', result);
    }, 3);
    expect(play(trunk.load('sum').exit(result))).toBe(9);
  });

  it('vforks: the parent waits, shares the memory, and its stack is its own', () => {
    const parent = script().vfork((s) => s.nanosleep(20).store('child', 5).exitGroup(2));
    parent
      .store('pid')
      .load('child')
      .when(result, '!=', 5, (s) => s.exit(1))
      .wait4();
    expect(play(parent.compute(parent.status, 'shiftRight', 8).exit(result))).toBe(2);
  });

  it('executes programs with arguments and environment', () => {
    const { output, status } = outputOf((fd) =>
      script()
        .syscall('dup3', fd, 1, 0)
        .vfork((s) => s.exec('/bin/sh', ['sh', '-c', 'echo "$0 $1 $A"', 'b c', 'd'], ['A=x y']).exitGroup(127))
        .wait4()
        .exec('/bin/sh', ['sh', '-c', 'echo then me']),
    );
    expect(output).toBe('b c d x y\nthen me\n');
    expect(status).toBe(0);
    expect(play(script().exec('/nowhere').compute(0, 'subtract', result).exit(result))).toBe(ERRNO.ENOENT);
  });

  it('runs threads at once', () => {
    const many = script().loop(
      (s) => s.thread((t) => t.increment('started').waitUntil('go', '==', 1).increment('done')),
      40,
    );
    const child = start(many.waitUntil('done', '==', 40).exitGroup(3));
    until('all have started', () => word(child.pid, child.address('started')) === 40n);
    expect(statusField(child.pid, 'Threads')).toBe('41');
    expect(readdirSync(`/proc/${child.pid}/task`).length).toBe(41);
    poke(child.pid, child.address('go'), 1n);
    expect(waitEnd(child.pid)).toBe(exited(3));
  });

  it('uses the stacks of ended threads again', () => {
    const child = start(
      script().loop((s) => {
        s.store('seen', s.word('n'))
          .thread((t) => t.increment('n'))
          .waitUntil('n', '>', s.word('seen'));
      }),
    );
    until('it has made some', () => word(child.pid, child.address('n')) > 50n, 20_000);
    const mappings = readFileSync(`/proc/${child.pid}/maps`, 'latin1').split('\n').length;
    const now = word(child.pid, child.address('n'));
    until('it has made more', () => word(child.pid, child.address('n')) > now + 100n, 20_000);
    expect(readFileSync(`/proc/${child.pid}/maps`, 'latin1').split('\n').length).toBeLessThan(mappings + 10);
    end(child.pid);
  });

  it('outlives its first thread', () => {
    const child = start(
      script()
        .thread((t) => t.waitUntil('go', '==', 1).exitGroup(6))
        .exit(0),
    );
    until('the leader is a zombie', () => stateOf(child.pid) === 'Z');
    const tid =
      readdirSync(`/proc/${child.pid}/task`)
        .map(Number)
        .find((each) => each !== child.pid) ?? 0;
    poke(tid, child.address('go'), 1n);
    expect(waitEnd(child.pid)).toBe(exited(6));
  });

  it('executes from a thread that is not the leader', () => {
    const pid = run(
      script()
        .thread((t) => t.exec('/bin/sh', ['sh', '-c', 'exit 11']))
        .loop((s) => s.pause()),
    );
    expect(waitEnd(pid)).toBe(exited(11));
  });

  it('delivers signals to the thread they are for, on its own stack', () => {
    const child = start(
      script()
        .handle('SIGUSR1', (s) => s.syscall('gettid').store('handled by').increment('handled'), { flags: SA.RESTART })
        .thread((t) =>
          t
            .syscall('gettid')
            .store('tid')
            .loop((u) => u.pause()),
        )
        .waitUntil('handled', '==', 1)
        .exitGroup(1),
    );
    until('the thread pauses', () => word(child.pid, child.address('tid')) > 0n);
    const tid = word(child.pid, child.address('tid'));
    expect(binding().tgkill(child.pid, Number(tid), 10)).toBe(0);
    expect(waitEnd(child.pid)).toBe(exited(1));
  });

  it('clones with any flags', () => {
    const shared = script().clone(CLONE.VM | SIGCHLD, (s) => s.store('n', 9).exitGroup(1));
    expect(play(shared.wait4().load('n').exit(result))).toBe(9);
    const copied = script().clone(SIGCHLD, (s) => s.store('n', 9).exitGroup(1));
    expect(play(copied.wait4().load('n').exit(result))).toBe(0);
    const sibling = start(
      script()
        .clone(CLONE.PARENT | SIGCHLD, (s) => s.exitGroup(5))
        .store('pid')
        .store('ready', 1)
        .pause(),
    );
    until('it has a sibling', () => word(sibling.pid, sibling.address('ready')) === 1n);
    expect(waitEnd(Number(word(sibling.pid, sibling.address('pid'))))).toBe(exited(5));
    end(sibling.pid);
  });

  it('talks over pipes and gates', () => {
    const own = script().pipe('p');
    own
      .fork((s) => s.write(s.pipeEnd('p', 'write'), 'x').exitGroup(0))
      .readGate(own.pipeEnd('p', 'read'))
      .set(result, 1);
    expect(play(own.close(own.pipeEnd('p', 'read')).exit(own.register(1)))).toBe(1);
    const [read, write] = pipe();
    const pid = run(
      script()
        .handle('SIGUSR1', (s) => s)
        .readGate(read)
        .exit(4),
      { keepFds: [read] },
    );
    until('it reads', () => stateOf(pid) === 'S' && statusField(pid, 'SigCgt') === '0000000000000200');
    binding().kill(pid, 10);
    closeSync(write);
    expect(waitEnd(pid)).toBe(exited(4));
    closeSync(read);
  });
});

describe('what a tracer can aim at', () => {
  it('instructions at known addresses', () => {
    const child = start(script().store('ready', 1).pause().nops().trap().illegal());
    until('it is ready', () => word(child.pid, child.address('ready')) === 1n);
    if (process.arch === 'x64') {
      expect(memory(child.pid, child.nops, 64)).toEqual(Buffer.alloc(64, 0x90));
      expect(memory(child.pid, child.trap, 1)).toEqual(Buffer.of(0xcc));
      expect(memory(child.pid, child.illegal, 2)).toEqual(Buffer.of(0x0f, 0x0b));
    } else {
      expect(memory(child.pid, child.nops, 4).readUInt32LE()).toBe(0xd503201f);
      expect(memory(child.pid, child.trap, 4).readUInt32LE()).toBe(0xd4200000);
      expect(memory(child.pid, child.illegal, 4).readUInt32LE()).toBe(0);
    }
    end(child.pid);
    expect(play(script().nops().exit(1))).toBe(1);
  });

  it('loops of system calls and of nothing', () => {
    expect(
      play(
        script()
          .getppidLoop(1000)
          .compute(result, 'subtract', process.pid - 3)
          .exit(result),
      ),
    ).toBe(3);
    expect(play(script().spin(100_000).exit(1))).toBe(1);
    for (const endless of [script().getppidLoop(), script().spin()]) {
      const pid = run(endless);
      until('it runs', () => stateOf(pid) === 'R');
      expect(binding().kill(pid, 15)).toBe(0);
      expect(waitEnd(pid)).toBe(15);
    }
  });

  it('system calls of the 32-bit entry', (context) => {
    if (process.arch !== 'x64') context.skip('only x86-64 has an i386 entry');
    const getpid = 20;
    const status = waitEnd(
      run(
        script()
          .syscall('getpid')
          .set(result, 1)
          .syscall32(getpid)
          .compute(result, 'subtract', Operand.register(1))
          .exit(result),
      ),
    );
    if ((status & 0x7f) === 11) context.skip('this kernel has no ia32 emulation');
    expect(status).toBe(0);
  });

  it('a seccomp filter', () => {
    const uname = process.arch === 'arm64' ? 160 : 63;
    const filter = Buffer.alloc(32);
    for (const [index, [code, jt, jf, k]] of [
      [0x20, 0, 0, 0],
      [0x15, 0, 1, uname],
      [0x06, 0, 0, 0x00050007],
      [0x06, 0, 0, 0x7fff0000],
    ].entries() as IterableIterator<[number, [number, number, number, number]]>) {
      filter.writeUInt16LE(code, 8 * index);
      filter.writeUInt8(jt, 8 * index + 2);
      filter.writeUInt8(jf, 8 * index + 3);
      filter.writeUInt32LE(k, 8 * index + 4);
    }
    const child = script()
      .seccompFilter(filter)
      .when(result, '!=', 0, (s) => s.exit(1));
    expect(play(child.syscall('uname', 0).compute(0, 'subtract', result).exit(result))).toBe(7);
  });

  it('its name', () => {
    const child = start(script().setName('tracee').setPtracerAny().store('ready', 1).pause());
    until('it is ready', () => word(child.pid, child.address('ready')) === 1n);
    expect(readFileSync(`/proc/${child.pid}/comm`, 'latin1')).toBe('tracee\n');
    end(child.pid);
  });
});

describe('bad input', () => {
  it('is refused before anything is started', () => {
    const bad: ((s: ChildScript) => unknown)[] = [
      (s) => s.kill(1.5, 9),
      (s) => s.kill(1, 'SIGNOT'),
      (s) => s.tgkillSelf(0),
      (s) => s.syscall('no_such_call'),
      (s) => s.syscall(-1),
      (s) => s.syscall(1, 1, 2, 3, 4, 5, 6, 7),
      (s) => s.syscall('write', 'a\0b'),
      (s) => s.syscall('write', Symbol('x') as never),
      (s) => s.exec('/bin/sh', 'sh' as never),
      (s) => s.exec('/bin/sh', [1 as never]),
      (s) => s.loop(undefined as never),
      (s) => s.loop((t) => t, -1),
      (s) =>
        s.loop(
          (a) =>
            a.loop(
              (b) => b.loop((c) => c.loop((d) => d.loop((e) => e.loop((f) => f.loop((g) => g, 2), 2), 2), 2), 2),
              2,
            ),
          2,
        ),
      (s) => s.label('a').label('a'),
      (s) => start(s.jump('nowhere')),
      (s) => s.when(1, '=' as never, 1, (t) => t),
      (s) => s.compute(1, 'divide' as never, 1),
      (s) => s.set(1, 16),
      (s) => s.set(2n ** 64n),
      (s) => s.nanosleep(Number.NaN),
      (s) => s.alarm(-1),
      (s) => s.buffer('x', 1).buffer('x', 1),
      (s) => s.buffer('x', -1),
      (s) => s.write(1, Operand.address(0)),
      (s) => s.handle('SIGUSR1', 1 as never),
      (s) => s.handle('SIGUSR1', (t) => t, { mask: [65] }),
      (s) => s.seccompFilter(new Uint8Array(7)),
      (s) => s.loadAt(0, 2 as never),
      (s) => start(s, { keepFds: [-1] }),
      (s) => start(s, { deathSignal: 1 as never }),
      (s) => start(s, { unknown: 1 } as never),
      () => start({} as never),
      (s) => start(s.store('x')).address('y'),
    ];
    for (const each of bad) {
      let error: unknown;
      try {
        each(script());
      } catch (caught) {
        error = caught;
      }
      expect(error, each.toString()).toBeInstanceOf(PtraceError);
      expect(error, each.toString()).toMatchObject({ reason: 'bad-input' });
    }
  });

  it('of the machine itself gives EINVAL', () => {
    const addon = binding();
    expect(addon.runScript(new BigInt64Array(0), new Uint8Array(0), 0, null)).toBe(-ERRNO.EINVAL);
    expect(addon.runScript(new BigInt64Array(7), new Uint8Array(0), 0, null)).toBe(-ERRNO.EINVAL);
    expect(addon.runScript(new BigInt64Array(8), new Uint8Array(0), -1, null)).toBe(-ERRNO.EINVAL);
    expect((addon.runScript as () => number)()).toBe(-ERRNO.EINVAL);
  });
});
