// Scenarios that do what no scenario should: the runner's to survive.
import { existsSync, writeFileSync } from 'node:fs';

const base = {
  source: [{ kind: 'manual', page: 'ptrace(2)', section: 'BUGS' }],
  tags: ['misbehaving'],
  rule: 'none',
};

export const scenarios = [
  {
    ...base,
    id: 'good',
    title: 'does what it should',
    play(s) {
      const e = s.pauser();
      e.seize();
      e.interrupt();
      e.wait();
    },
    expect: 'E: SEIZE = 0\nE: INTERRUPT = 0\nE: wait = event STOP SIGTRAP',
  },
  {
    ...base,
    id: 'wrong',
    title: 'expects something else',
    play(s) {
      s.pauser().seize();
    },
    expect: 'E: SEIZE = EPERM',
  },
  {
    ...base,
    id: 'throws',
    title: 'throws',
    play() {
      throw new Error('out of order');
    },
    expect: '',
  },
  {
    ...base,
    id: 'crashes',
    title: 'takes its process down, with a tracee',
    play(s) {
      s.tracee('E', (c) => c.loop((again) => again.pause()));
      process.kill(process.pid, 'SIGSEGV');
    },
    expect: '',
  },
  {
    ...base,
    id: 'crashes-once',
    title: 'takes its process down, the first time',
    play() {
      const file = process.env.MISBEHAVING_MARK;
      if (existsSync(file)) return;
      writeFileSync(file, '');
      process.kill(process.pid, 'SIGILL');
    },
    expect: '',
  },
  {
    ...base,
    id: 'nonsense-once',
    title: 'calls what is no function, the first time',
    play() {
      const file = process.env.MISBEHAVING_MARK;
      if (existsSync(file)) return;
      writeFileSync(file, '');
      base.nothing();
    },
    expect: '',
  },
  {
    ...base,
    id: 'exits',
    title: 'ends its process',
    play() {
      process.exit(3);
    },
    expect: '',
  },
  {
    ...base,
    id: 'hangs',
    title: 'never ends, and has children in all states',
    deadline: 500,
    play(s) {
      s.tracee('E', (c) => c.loop((again) => again.pause()));
      s.child('S', (c) => c.tgkillSelf('SIGSTOP').loop((again) => again.pause()));
      s.child('G', (c) =>
        c.fork((f) => f.syscall('setsid').loop((again) => again.pause())).loop((again) => again.pause()),
      );
      for (;;);
    },
    expect: '',
  },
  {
    ...base,
    id: 'out-of-time',
    title: 'waits for what never comes',
    play(s) {
      const e = s.pauser();
      e.seize();
      e.wait();
    },
    expect: 'E: SEIZE = 0\nE: wait = exited 0',
  },
  {
    ...base,
    id: 'leaves',
    title: 'leaves a process behind that has a session of its own',
    play(s) {
      const parent = s.child('G', (c) =>
        c
          .pipe('away')
          .fork((f) =>
            f
              .syscall('setsid')
              .write(f.pipeEnd('away', 'write'), '.')
              .loop((again) => again.pause()),
          )
          .readGate(c.pipeEnd('away', 'read'))
          .exitGroup(0),
      );
      s.unrecorded(() => parent.wait());
      s.observe('done', 'yes');
    },
    expect: 'done = yes',
  },
  {
    ...base,
    id: 'skips',
    title: 'finds that it does not apply',
    play(s) {
      s.skip('not on a Wednesday');
    },
    expect: '',
  },
  {
    ...base,
    id: 'needs',
    title: 'needs what is not there',
    needs: ['request.PTRACE_FLY'],
    play() {
      throw new Error('played all the same');
    },
    expect: '',
  },
  { ...base, id: 'elsewhere', title: 'is for no machine', arch: [], play() {}, expect: '' },
  {
    ...base,
    id: 'recorded',
    title: 'is only recorded',
    recorded: 'a race',
    play(s) {
      s.observe('winner', 'nobody');
    },
  },
];
