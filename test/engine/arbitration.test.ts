import { describe, expect, it } from 'vitest';
import { RESUME_MASK, SIGNAL_ACTION, SYSCALL_ACTION, UTRACE } from '../../lib/engine/actions.js';
import { Arbitration } from '../../lib/engine/arbitration.js';
import { EVENT, EVENT_SYSCALL } from '../../lib/engine/events.js';
import { ATTACH } from '../../lib/engine/seat.js';
import { CPU, Simulation } from './simulation.js';

const { STOP, INTERRUPT, REPORT, SINGLESTEP, BLOCKSTEP, RESUME, DETACH } = UTRACE;

describe('attach', () => {
  const ops = { a: 1 };
  const others = { a: 2 };

  it('without CREATE looks up: by callbacks, by data, by both, or takes the first', () => {
    const thread = new Arbitration<object>();
    expect(thread.attach(0, undefined, undefined)).toBe('ENOENT');
    const first = thread.attach(ATTACH.CREATE, ops, 'one');
    const second = thread.attach(ATTACH.CREATE, others, 'two');
    expect(thread.attach(0, undefined, undefined)).toBe(first);
    expect(thread.attach(ATTACH.MATCH_OPS, others, undefined)).toBe(second);
    expect(thread.attach(ATTACH.MATCH_DATA, undefined, 'two')).toBe(second);
    expect(thread.attach(ATTACH.MATCH_OPS | ATTACH.MATCH_DATA, ops, 'two')).toBe('ENOENT');
  });

  it('with EXCLUSIVE fails when one matches, without a MATCH bit when there is any', () => {
    const thread = new Arbitration<object>();
    const flags = ATTACH.CREATE | ATTACH.EXCLUSIVE;
    expect(thread.attach(flags, ops, 1)).toBeTypeOf('object');
    expect(thread.attach(flags, others, 2)).toBe('EEXIST');
    expect(thread.attach(flags | ATTACH.MATCH_OPS, ops, 2)).toBe('EEXIST');
    expect(thread.attach(flags | ATTACH.MATCH_DATA, ops, 2)).toBeTypeOf('object');
  });

  it('of the same callbacks and data twice makes two engines', () => {
    const thread = new Arbitration<object>();
    expect(thread.attach(ATTACH.CREATE, ops, 1)).not.toBe(thread.attach(ATTACH.CREATE, ops, 1));
  });

  it('to a zombie works, to what was reaped it is ESRCH; a detached engine matches nothing', () => {
    const thread = new Simulation();
    const seat = thread.attach('a', 0);
    thread.control(seat, DETACH);
    expect(thread.arbitration.attach(0, undefined, undefined)).toBe('ENOENT');
    thread.die();
    expect(thread.arbitration.attach(ATTACH.CREATE, ops, 1)).toBeTypeOf('object');
    thread.reap();
    expect(thread.arbitration.attach(ATTACH.CREATE, ops, 1)).toBe('ESRCH');
  });
});

describe('a pass', () => {
  it('calls in the order of attaching, and in reverse at the entry of a system call', () => {
    const thread = new Simulation();
    for (const name of ['a', 'b', 'c']) thread.attach(name, EVENT_SYSCALL);
    thread.event(EVENT.SYSCALL_EXIT);
    expect(thread.taken()).toEqual(['a.event', 'b.event', 'c.event']);
    thread.event(EVENT.SYSCALL_ENTRY);
    expect(thread.taken()).toEqual(['c.event', 'b.event', 'a.event']);
  });

  it('calls quiesce before the event, for engines that have not asked for it as well, in the same order', () => {
    const thread = new Simulation();
    thread.attach('a', EVENT.QUIESCE);
    thread.attach('b', EVENT.QUIESCE | EVENT.SYSCALL_ENTRY);
    thread.event(EVENT.SYSCALL_ENTRY);
    expect(thread.taken()).toEqual(['b.quiesce', 'b.event', 'a.quiesce']);
  });

  it('is not made for an event that nobody has asked for', () => {
    const thread = new Simulation();
    thread.attach('a', EVENT.QUIESCE);
    thread.event(EVENT.EXEC);
    expect(thread.taken()).toEqual([]);
  });

  it('takes a mask that quiesce has set for this very event', () => {
    const thread = new Simulation();
    const late = thread.attach('late', EVENT.QUIESCE);
    const early = thread.attach('early', EVENT.QUIESCE | EVENT.EXEC);
    thread.vote = ({ seat, call }) => {
      if (call === 'quiesce' && seat === late) thread.arbitration.setEvents(late, EVENT.EXEC, true);
      if (call === 'quiesce' && seat === early) thread.arbitration.setEvents(early, EVENT.QUIESCE, true);
      return undefined;
    };
    thread.event(EVENT.EXEC, false);
    expect(thread.taken()).toEqual(['late.quiesce', 'late.event', 'early.quiesce']);
  });

  it('leaves out engines attached while it is made; the next one has them', () => {
    const thread = new Simulation();
    thread.attach('a', EVENT.EXEC);
    let attached = false;
    thread.vote = () => {
      if (!attached) thread.attach('new', EVENT.EXEC);
      attached = true;
      return undefined;
    };
    thread.event(EVENT.EXEC, false);
    expect(thread.taken()).toEqual(['a.event']);
    thread.event(EVENT.EXEC, false);
    expect(thread.taken()).toEqual(['a.event', 'new.event']);
  });

  it('tells each engine what those before it have come to', () => {
    const thread = new Simulation();
    for (const name of ['a', 'b', 'c']) thread.attach(name, EVENT.EXEC);
    const votes = [SINGLESTEP, RESUME, RESUME];
    thread.vote = () => votes.shift();
    thread.event(EVENT.EXEC, false);
    expect(thread.called.map(({ argument }) => argument & RESUME_MASK)).toEqual([RESUME, SINGLESTEP, SINGLESTEP]);
  });

  it('the last one decides about a system call; quiesce has no say', () => {
    const thread = new Simulation();
    thread.attach('last', EVENT.QUIESCE | EVENT.SYSCALL_ENTRY);
    thread.attach('first', EVENT.SYSCALL_ENTRY);
    thread.vote = ({ seat }) => (seat.data === 'first' ? RESUME | SYSCALL_ACTION.ABORT : undefined);
    thread.event(EVENT.SYSCALL_ENTRY);
    expect(thread.arbitration.result).toBe(SYSCALL_ACTION.ABORT);
    expect(thread.called.at(-1)?.argument).toBe(RESUME | SYSCALL_ACTION.ABORT);
    thread.vote = ({ seat, call }) =>
      call === 'quiesce' ? undefined : seat.data === 'first' ? RESUME | SYSCALL_ACTION.ABORT : RESUME;
    thread.event(EVENT.SYSCALL_ENTRY);
    expect(thread.arbitration.result).toBe(SYSCALL_ACTION.RUN);
  });
});

describe('stopping', () => {
  it('at the entry of a system call is at once; elsewhere at the border, after one more pass', () => {
    const thread = new Simulation();
    const seat = thread.attach('a', EVENT.QUIESCE | EVENT_SYSCALL);
    thread.vote = ({ call }) => (call === 'event' ? STOP : undefined);
    thread.event(EVENT.SYSCALL_ENTRY);
    expect(thread.arbitration.phase).toBe('stopped');
    expect(thread.taken()).toEqual(['a.quiesce', 'a.event']);
    thread.control(seat, RESUME);
    expect(thread.arbitration.phase).toBe('running');
    thread.vote = () => STOP;
    thread.event(EVENT.SYSCALL_EXIT);
    expect(thread.arbitration.phase).toBe('stopped');
    // quiesce(SYSCALL_EXIT), the event, and quiesce(0) at the border
    expect(thread.called.map(({ event }) => event)).toEqual([EVENT.SYSCALL_EXIT, EVENT.SYSCALL_EXIT, 0]);
  });

  it('lasts while any engine wants it', () => {
    const thread = new Simulation();
    const a = thread.attach('a', EVENT.SYSCALL_ENTRY);
    const b = thread.attach('b', EVENT.SYSCALL_ENTRY);
    thread.vote = () => STOP;
    thread.event(EVENT.SYSCALL_ENTRY);
    thread.control(a, RESUME);
    expect(thread.arbitration.phase).toBe('stopped');
    thread.control(b, DETACH);
    expect(thread.arbitration.phase).toBe('running');
  });

  it('of one engine outlives the votes of others', () => {
    const thread = new Simulation();
    const holder = thread.attach('holder', 0);
    thread.attach('other', EVENT.QUIESCE);
    expect(thread.control(holder, STOP)).toBe('EINPROGRESS');
    thread.border(true);
    expect(thread.arbitration.phase).toBe('stopped');
    expect(thread.taken()).toEqual(['other.signal']);
    expect(thread.control(holder, STOP)).toBe(0);
  });

  it('asked for again and again by one engine, and taken back by the vote of the other, is made after some passes', () => {
    const thread = new Simulation();
    const undoes = thread.attach('undoes', EVENT.QUIESCE);
    thread.attach('asks', EVENT.QUIESCE);
    thread.vote = ({ seat }) => {
      if (seat.data === 'asks') expect(thread.control(undoes, STOP)).toBe('EINPROGRESS');
      return RESUME;
    };
    const rounds = ['undoes', 'asks'].map((name) => `${name}.quiesce`);
    expect(thread.control(undoes, REPORT)).toBe(0);
    thread.border();
    expect(thread.arbitration.phase).toBe('stopped');
    expect(thread.taken()).toEqual(Array.from({ length: 8 }, () => rounds).flat());
    // The next border begins anew.
    expect(thread.control(undoes, REPORT)).toBe(0);
    expect(thread.arbitration.phase).toBe('stopped');
    expect(thread.taken()).toEqual(Array.from({ length: 8 }, () => rounds).flat());
    thread.vote = () => RESUME;
    expect(thread.control(undoes, RESUME)).toBe(0);
    expect(thread.verdict).toBe('go');
  });

  it('repeats the entry with RESUMED when a report is pending as it goes on', () => {
    const thread = new Simulation();
    const logger = thread.attach('logger', EVENT.QUIESCE | EVENT.SYSCALL_ENTRY);
    const editor = thread.attach('editor', EVENT.SYSCALL_ENTRY);
    thread.vote = ({ seat, argument }) => {
      if (seat === editor) return (argument & SYSCALL_ACTION.RESUMED) === 0 ? STOP : RESUME;
      return undefined;
    };
    thread.event(EVENT.SYSCALL_ENTRY);
    expect(thread.taken()).toEqual(['editor.event', 'logger.quiesce', 'logger.event']);
    thread.arbitration.control(logger, REPORT, CPU);
    thread.control(editor, RESUME);
    expect(thread.called.map(({ argument }) => argument & SYSCALL_ACTION.RESUMED)).toEqual([
      SYSCALL_ACTION.RESUMED,
      SYSCALL_ACTION.RESUMED,
      SYSCALL_ACTION.RESUMED,
    ]);
    expect(thread.arbitration.phase).toBe('running');
  });
});

describe('the sticky resume action', () => {
  it('is only ever lowered', () => {
    const thread = new Simulation();
    const seat = thread.attach('a', EVENT.QUIESCE);
    for (const [action, expected] of [
      [BLOCKSTEP, BLOCKSTEP],
      [SINGLESTEP, SINGLESTEP],
      [BLOCKSTEP, SINGLESTEP],
      [REPORT, REPORT],
      [RESUME, REPORT],
      [INTERRUPT, INTERRUPT],
      [REPORT, INTERRUPT],
    ] as const) {
      expect(thread.arbitration.control(seat, action, CPU)).toBe(0);
      expect(thread.arbitration.resume).toBe(expected);
    }
  });

  it('a step asked for while it stands decides how it goes on', () => {
    const thread = new Simulation();
    const seat = thread.attach('a', EVENT.QUIESCE);
    thread.control(seat, STOP);
    thread.border();
    expect(thread.arbitration.phase).toBe('stopped');
    expect(thread.control(seat, SINGLESTEP)).toBe(0);
    expect(thread.verdict).toBe('step');
    thread.verdict = undefined;
    thread.border();
    expect(thread.verdict).toBe('go');
  });

  it('only the last pass before user mode decides about stepping', () => {
    const thread = new Simulation();
    const seat = thread.attach('a', EVENT.QUIESCE | EVENT.SYSCALL_EXIT);
    thread.arbitration.control(seat, SINGLESTEP, CPU);
    thread.event(EVENT.SYSCALL_EXIT);
    expect(thread.verdict).toBe('go');
    thread.vote = () => SINGLESTEP;
    thread.event(EVENT.SYSCALL_EXIT);
    expect(thread.verdict).toBe('step');
  });

  it('a branch step gives way to a single step, and both to a stop, after which they are made', () => {
    const thread = new Simulation();
    const a = thread.attach('a', EVENT.QUIESCE | EVENT.EXEC);
    thread.attach('b', EVENT.QUIESCE);
    thread.arbitration.control(a, REPORT, CPU);
    thread.vote = ({ seat }) => (seat === a ? BLOCKSTEP : SINGLESTEP);
    thread.border();
    expect(thread.verdict).toBe('step');
    thread.arbitration.control(a, REPORT, CPU);
    thread.vote = ({ seat }) => (seat === a ? STOP : SINGLESTEP);
    thread.border();
    expect(thread.arbitration.phase).toBe('stopped');
    thread.verdict = undefined;
    thread.control(a, RESUME);
    expect(thread.verdict).toBe('step');
  });

  it('INTERRUPT outlives the passes of events and is taken where signals are', () => {
    const thread = new Simulation();
    const seat = thread.attach('a', EVENT.QUIESCE | EVENT.EXEC);
    thread.arbitration.control(seat, INTERRUPT, CPU);
    thread.event(EVENT.EXEC, false);
    expect(thread.arbitration.resume).toBe(INTERRUPT);
    thread.taken();
    thread.border();
    expect(thread.called.map(({ call, argument }) => [call, argument & ~RESUME_MASK])).toEqual([
      ['signal', SIGNAL_ACTION.REPORT],
    ]);
  });

  it('REPORT and INTERRUPT as votes of a signal pass do not make it report for ever', () => {
    const thread = new Simulation();
    const seat = thread.attach('a', EVENT.QUIESCE);
    thread.vote = ({ argument }) => (argument & ~RESUME_MASK) | INTERRUPT;
    thread.control(seat, REPORT);
    thread.border(true);
    expect(thread.verdict).toBe('go');
    expect(thread.called).toHaveLength(1);
  });
});

describe('signals', () => {
  it('each engine sees and overrides the choice of the one before; the last decides', () => {
    const thread = new Simulation();
    thread.attach('a', EVENT.SIGNAL_TERM);
    thread.attach('b', EVENT.SIGNAL_TERM);
    const seen: number[] = [];
    thread.vote = ({ seat, argument }) => {
      seen.push(argument & ~RESUME_MASK);
      return RESUME | (seat.data === 'a' ? SIGNAL_ACTION.IGN : SIGNAL_ACTION.CORE);
    };
    expect(thread.signal(EVENT.SIGNAL_TERM, SIGNAL_ACTION.TERM)).toBe(SIGNAL_ACTION.CORE);
    expect(seen).toEqual([SIGNAL_ACTION.TERM, SIGNAL_ACTION.IGN]);
  });

  it('delivered to a handler with any action but RESUME is followed by HANDLER', () => {
    for (const action of [SINGLESTEP, STOP, REPORT]) {
      const thread = new Simulation();
      thread.attach('a', EVENT.QUIESCE | EVENT.SIGNAL);
      thread.vote = () => SIGNAL_ACTION.DELIVER | action;
      thread.signal(EVENT.SIGNAL, SIGNAL_ACTION.DELIVER);
      // REPORT is RESUME in a signal pass.
      expect(thread.arbitration.handler).toBe(action !== REPORT);
      thread.taken();
      thread.vote = () => undefined;
      if (action === REPORT) continue;
      thread.border(true);
      expect(thread.called.map(({ argument }) => argument & ~RESUME_MASK)).toEqual([SIGNAL_ACTION.HANDLER]);
    }
  });

  it('are not reported before what is pending was', () => {
    const thread = new Simulation();
    const seat = thread.attach('a', EVENT.QUIESCE | EVENT.SIGNAL_TERM);
    thread.control(seat, REPORT);
    thread.signal(EVENT.SIGNAL_TERM, SIGNAL_ACTION.TERM);
    expect(thread.called.map(({ argument }) => argument & ~RESUME_MASK)).toEqual([
      SIGNAL_ACTION.REPORT,
      SIGNAL_ACTION.TERM,
    ]);
  });
});

describe('votes that a callback cannot give', () => {
  it.each([
    ['a negative number', -1],
    ['a fraction', 1.5],
    ['an action beyond DETACH', 7],
    ['the fate of a signal at an exec', RESUME | SIGNAL_ACTION.IGN],
    ['RESUMED', RESUME | SYSCALL_ACTION.RESUMED],
    ['NaN', Number.NaN],
  ])('%s', (_, vote) => {
    const thread = new Arbitration<object>();
    const seat = thread.attach(ATTACH.CREATE, {}, 1);
    if (typeof seat === 'string') throw new Error(seat);
    thread.setEvents(seat, EVENT.EXEC);
    thread.begin(EVENT.EXEC);
    expect(thread.isLegal('event', vote)).toBe(false);
  });

  it('SIGNAL_REPORT and SIGNAL_HANDLER for a signal, TERM where there is none', () => {
    const simulation = new Simulation();
    simulation.attach('a', EVENT.SIGNAL | EVENT.QUIESCE);
    const thread = simulation.arbitration;
    thread.beginSignal(EVENT.SIGNAL, 0);
    expect(thread.isLegal('signal', RESUME | SIGNAL_ACTION.REPORT)).toBe(false);
    expect(thread.isLegal('signal', RESUME | SIGNAL_ACTION.HANDLER)).toBe(false);
    expect(thread.isLegal('signal', RESUME | SIGNAL_ACTION.TERM | SIGNAL_ACTION.HOLD)).toBe(true);
    thread.beginBorder(true);
    expect(thread.isLegal('signal', RESUME | SIGNAL_ACTION.TERM)).toBe(false);
    expect(thread.isLegal('signal', RESUME | SIGNAL_ACTION.REPORT)).toBe(true);
  });
});

describe('what calls answer', () => {
  it('set_events: 0, EINPROGRESS only for bits taken out under a callback to this engine, ESRCH', () => {
    const thread = new Simulation();
    const a = thread.attach('a', EVENT.EXEC | EVENT.EXIT);
    const b = thread.attach('b', EVENT.EXEC | EVENT.EXIT);
    const answers: unknown[] = [];
    thread.vote = ({ seat }) => {
      if (seat !== a) return undefined;
      answers.push(thread.arbitration.setEvents(b, EVENT.EXEC));
      answers.push(thread.arbitration.setEvents(a, EVENT.EXEC | EVENT.EXIT | EVENT.CLONE));
      answers.push(thread.arbitration.setEvents(a, EVENT.EXEC));
      answers.push(thread.arbitration.setEvents(a, 0, true));
      return undefined;
    };
    thread.event(EVENT.EXEC, false);
    expect(answers).toEqual([0, 0, 'EINPROGRESS', 0]);
    thread.control(a, DETACH);
    expect(thread.arbitration.setEvents(a, 0)).toBe('ESRCH');
  });

  it('set_events: EALREADY for DEATH and QUIESCE of the dying, given back or newly asked for', () => {
    const thread = new Simulation();
    const a = thread.attach('a', EVENT.DEATH);
    const b = thread.attach('b', EVENT.REAP);
    thread.vote = () => {
      expect(thread.arbitration.setEvents(a, 0)).toBe('EALREADY');
      expect(thread.arbitration.setEvents(b, EVENT.REAP | EVENT.DEATH)).toBe('EALREADY');
      expect(thread.arbitration.control(a, DETACH, CPU)).toBe('EALREADY');
      return undefined;
    };
    thread.die();
    expect(thread.taken()).toEqual(['a.event']);
    expect(thread.arbitration.setEvents(b, EVENT.REAP | EVENT.QUIESCE)).toBe('EALREADY');
    expect(thread.reap()).toEqual([b]);
    expect(thread.arbitration.setEvents(b, 0)).toBe('ESRCH');
  });

  it('control: EINVAL without QUIESCE, EOPNOTSUPP where nothing steps, ESRCH on the dead but for DETACH', () => {
    const thread = new Simulation();
    const a = thread.attach('a', 0);
    for (const action of [REPORT, SINGLESTEP, BLOCKSTEP]) expect(thread.control(a, action)).toBe('EINVAL');
    expect(thread.control(a, INTERRUPT)).toBe(0);
    thread.arbitration.setEvents(a, EVENT.QUIESCE | EVENT.REAP);
    expect(thread.arbitration.control(a, SINGLESTEP, { single: false, block: false })).toBe('EOPNOTSUPP');
    thread.die();
    for (const action of [STOP, INTERRUPT, REPORT, SINGLESTEP, RESUME]) expect(thread.control(a, action)).toBe('ESRCH');
    expect(thread.control(a, DETACH)).toBe(0);
    expect(thread.reap()).toEqual([]);
    expect(thread.control(a, DETACH)).toBe('ESRCH');
  });

  it('barrier and detach: EINPROGRESS while the callback is under way, 0 from inside it', () => {
    const thread = new Simulation();
    const a = thread.attach('a', EVENT.EXEC);
    thread.vote = () => {
      expect(thread.arbitration.barrier(a)).toBe('EINPROGRESS');
      expect(thread.arbitration.barrier(a, true)).toBe(0);
      expect(thread.arbitration.control(a, DETACH, CPU)).toBe('EINPROGRESS');
      expect(thread.arbitration.control(a, DETACH, CPU)).toBe('ESRCH');
      return STOP;
    };
    thread.event(EVENT.EXEC);
    expect(thread.arbitration.phase).toBe('running');
    expect(thread.arbitration.barrier(a)).toBe('ESRCH');
  });

  it('examine: EINVAL without STOP, EAGAIN before it stands and when it ran, ESRCH on the dead', () => {
    const thread = new Simulation();
    const { arbitration } = thread;
    const a = thread.attach('a', EVENT.SYSCALL_ENTRY);
    const b = thread.attach('b', 0);
    expect(arbitration.prepareExamine(a)).toBe('EINVAL');
    thread.control(a, STOP);
    expect(arbitration.prepareExamine(a)).toBe('EAGAIN');
    thread.border();
    expect(arbitration.prepareExamine(a)).toBe(0);
    expect(arbitration.prepareExamine(b)).toBe('EINVAL');
    const { generation } = arbitration;
    expect(arbitration.finishExamine(generation)).toBe(0);
    thread.control(a, RESUME);
    thread.control(a, STOP);
    thread.border();
    expect(arbitration.finishExamine(generation)).toBe('EAGAIN');
    thread.die();
    expect(arbitration.prepareExamine(a)).toBe('ESRCH');
  });
});

describe('ends', () => {
  it('SIGKILL breaks a stop, but not the one at the exit', () => {
    const thread = new Simulation();
    const a = thread.attach('a', EVENT.SYSCALL_ENTRY | EVENT.EXIT | EVENT.SYSCALL_EXIT | EVENT.CLONE);
    thread.vote = ({ event }) => (event === EVENT.CLONE ? RESUME : STOP);
    thread.event(EVENT.SYSCALL_ENTRY);
    thread.kill();
    expect(thread.arbitration.phase).toBe('running');
    thread.taken();
    thread.event(EVENT.SYSCALL_EXIT);
    expect(thread.signal(EVENT.SIGNAL_TERM, SIGNAL_ACTION.TERM)).toBe(SIGNAL_ACTION.TERM);
    expect(thread.taken()).toEqual([]);
    thread.event(EVENT.CLONE);
    thread.event(EVENT.EXIT);
    expect(thread.taken()).toEqual(['a.event', 'a.event']);
    expect(thread.arbitration.phase).toBe('stopped');
    thread.kill();
    expect(thread.arbitration.phase).toBe('stopped');
    thread.control(a, RESUME);
    expect(thread.arbitration.phase).toBe('running');
  });

  it('SIGKILL takes back what was held before: none of it holds the thread at its exit', () => {
    const thread = new Simulation();
    const holder = thread.attach('holder', 0);
    thread.attach('other', EVENT.EXIT | EVENT.SYSCALL_EXIT);
    thread.control(holder, STOP);
    thread.border();
    expect(thread.arbitration.phase).toBe('stopped');
    thread.kill();
    thread.event(EVENT.EXIT);
    expect(thread.arbitration.phase).toBe('running');
    thread.control(holder, STOP);
    thread.event(EVENT.EXIT);
    expect(thread.arbitration.phase).toBe('stopped');
  });

  it('an engine that detaches at the death is not told of the reaping', () => {
    const thread = new Simulation();
    thread.attach('a', EVENT.DEATH | EVENT.REAP);
    const b = thread.attach('b', EVENT.DEATH | EVENT.REAP);
    thread.vote = ({ seat }) => (seat.data === 'a' ? DETACH : STOP);
    thread.die();
    expect(thread.arbitration.phase).toBe('dead');
    expect(thread.reap()).toEqual([b]);
  });
});

describe('what the authors of utrace found in it (utrace-devel, autumn of 2009)', () => {
  it('a stop request is not lost while a step is pending', () => {
    const thread = new Simulation();
    const stepper = thread.attach('stepper', EVENT.QUIESCE);
    const stopper = thread.attach('stopper', 0);
    thread.arbitration.control(stepper, SINGLESTEP, CPU);
    expect(thread.control(stopper, STOP)).toBe('EINPROGRESS');
    thread.border();
    expect(thread.arbitration.phase).toBe('stopped');
  });

  it('a stop request is not lost while a detach is in flight', () => {
    for (const first of ['stop', 'detach']) {
      const thread = new Simulation();
      const leaving = thread.attach('leaving', EVENT.QUIESCE);
      const stopper = thread.attach('stopper', 0);
      if (first === 'stop') thread.control(stopper, STOP);
      expect(thread.control(leaving, DETACH)).toBe(0);
      if (first === 'detach') thread.control(stopper, STOP);
      thread.border();
      expect(thread.arbitration.phase).toBe('stopped');
      expect(leaving.gone).toBe(true);
      expect(thread.taken()).toEqual([]);
    }
  });

  it('a detach in the middle of a pass is made good at its end, whoever was called', () => {
    const thread = new Simulation();
    const a = thread.attach('a', EVENT.EXEC);
    const b = thread.attach('b', EVENT.EXEC);
    thread.vote = ({ seat }) => {
      if (seat === a) expect(thread.arbitration.control(b, DETACH, CPU)).toBe(0);
      return undefined;
    };
    thread.event(EVENT.EXEC);
    expect(thread.taken()).toEqual(['a.event']);
    expect(b.gone).toBe(true);
    thread.vote = () => undefined;
    thread.event(EVENT.EXEC);
    expect(thread.taken()).toEqual(['a.event']);
  });

  it('a step that is pending is not taken for a pass without takers', () => {
    const thread = new Simulation();
    const a = thread.attach('a', EVENT.QUIESCE);
    thread.arbitration.control(a, SINGLESTEP, CPU);
    thread.border();
    expect(thread.verdict).toBe('step');
    expect(thread.arbitration.engines).toEqual([a]);
  });

  it('SIGKILL that breaks a stop while an engine is being detached leaves neither', () => {
    const thread = new Simulation();
    const a = thread.attach('a', EVENT.SYSCALL_ENTRY | EVENT.EXIT);
    const b = thread.attach('b', EVENT.SYSCALL_ENTRY | EVENT.EXIT);
    thread.vote = ({ event }) => (event === EVENT.EXIT ? RESUME : STOP);
    thread.event(EVENT.SYSCALL_ENTRY);
    expect(thread.control(a, DETACH)).toBe(0);
    thread.kill();
    expect(thread.arbitration.phase).toBe('running');
    thread.taken();
    thread.event(EVENT.EXIT);
    expect(thread.taken()).toEqual(['b.event']);
    thread.die();
    expect(a.gone).toBe(true);
    expect(thread.control(b, DETACH)).toBe(0);
  });

  it('SIGKILL in the middle of a pass ends it, and no engine after it is called', () => {
    const thread = new Simulation();
    thread.attach('a', EVENT.EXEC);
    thread.attach('b', EVENT.EXEC);
    thread.vote = () => {
      thread.kill();
      return STOP;
    };
    thread.event(EVENT.EXEC);
    expect(thread.taken()).toEqual(['a.event']);
    expect(thread.arbitration.phase).toBe('running');
  });

  it('the clone report is never skipped under SIGKILL, nor the exit report', () => {
    const thread = new Simulation();
    thread.attach('a', EVENT.CLONE | EVENT.EXIT);
    thread.kill();
    thread.event(EVENT.CLONE, false);
    thread.event(EVENT.EXIT, false);
    expect(thread.called.map(({ event }) => event)).toEqual([EVENT.CLONE, EVENT.EXIT]);
  });

  it('an editor of registers and a logger: the logger gets a last report after the editing', () => {
    const thread = new Simulation();
    const logger = thread.attach('logger', EVENT.QUIESCE | EVENT.SYSCALL_ENTRY);
    const editor = thread.attach('editor', EVENT.SYSCALL_ENTRY);
    let register = 0;
    const logged: number[] = [];
    thread.vote = ({ seat, call, argument }) => {
      if (seat === logger && call === 'event') {
        logged.push(register);
        return argument & RESUME_MASK ? undefined : REPORT;
      }
      return seat === editor && (argument & SYSCALL_ACTION.RESUMED) === 0 ? STOP : undefined;
    };
    thread.event(EVENT.SYSCALL_ENTRY);
    register = 42;
    thread.control(editor, RESUME);
    expect(logged).toEqual([0, 42]);
  });
});
