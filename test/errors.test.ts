import fc from 'fast-check';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PtraceError, type PtraceReason, badInput, fromErrno, isPtraceError, refused } from '../lib/errors.js';

describe('PtraceError', () => {
  it('reads: reason, request, tid, what to do, errno', () => {
    const error = fromErrno('PTRACE_CONT', 1234, 3, 'running');
    expect(error.message).toBe('cannot PTRACE_CONT 1234: the tracee is running, wait for its next stop first (ESRCH)');
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'PtraceError',
      code: 'ESRCH',
      errno: 3,
      request: 'PTRACE_CONT',
      tid: 1234,
      reason: 'running',
    });
  });

  it('has a code of the reason where no system call failed', () => {
    const error = badInput('PTRACE_SEIZE', 'tid is -1, want an integer of 1 to 2147483647');
    expect(error.message).toBe('cannot PTRACE_SEIZE: tid is -1, want an integer of 1 to 2147483647');
    expect(error).toMatchObject({ code: 'ERR_BAD_INPUT', errno: 0, tid: 0, reason: 'bad-input' });
    expect(refused('wrong-thread', 'waitid').code).toBe('ERR_WRONG_THREAD');
    expect(refused('used-up', 'PTRACE_CONT', 7).message).toBe(
      'cannot PTRACE_CONT 7: this stop was used up by an earlier resume, use the stop that followed',
    );
  });

  it('takes the usual reason of an errno when none is given', () => {
    const reasons = [3, 10, 1, 13, 38, 5, 22].map((errno) => fromErrno('x', 1, errno).reason);
    expect(reasons).toEqual(['gone', 'not-tracee', 'denied', 'denied', 'not-supported', 'kernel', 'kernel']);
    expect(fromErrno('PTRACE_SETREGS', 9, 5).message).toBe(
      'cannot PTRACE_SETREGS 9: the kernel refused: input/output error (EIO)',
    );
  });

  it('carries a cause only when there is one', () => {
    const cause = new Error('the reason behind');
    expect(refused('aborted', 'waitid', 0, undefined, { cause }).cause).toBe(cause);
    expect('cause' in refused('aborted', 'waitid')).toBe(false);
  });

  it('shows its name, and what it carries, when it is printed', () => {
    const text = inspect(fromErrno('PTRACE_CONT', 1234, 3));
    expect(text).toMatch(/^PtraceError: cannot PTRACE_CONT 1234: the tracee is gone/);
    expect(text).toContain("reason: 'gone'");
    expect(text).not.toContain('name:');
  });

  it('explains every reason in a sentence of its own', () => {
    const reasons: PtraceReason[] = [
      'gone',
      'running',
      'listening',
      'not-tracee',
      'wrong-thread',
      'denied',
      'used-up',
      'bad-input',
      'disposed',
      'not-supported',
      'own-child',
      'exec-failed',
      'second-copy',
      'unavailable',
      'aborted',
      'timed-out',
      'kernel',
    ];
    const messages = reasons.map((reason) => new PtraceError({ request: 'x', reason }).message);
    expect(new Set(messages).size).toBe(reasons.length);
    for (const message of messages) expect(message).toMatch(/^cannot x: [a-zA-Z].+[^.]$/);
  });
});

describe('isPtraceError', () => {
  it('knows those of another copy of the package, and nothing else', () => {
    expect(isPtraceError(refused('gone', 'x'))).toBe(true);
    expect(isPtraceError({ [Symbol.for('linux-ptrace.PtraceError')]: true })).toBe(true);
    expect(isPtraceError(new Error('x'))).toBe(false);
    expect(isPtraceError(Object.assign(new Error('x'), { name: 'PtraceError' }))).toBe(false);
  });

  it('survives any value', () => {
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    expect(isPtraceError(revoked.proxy)).toBe(false);
    fc.assert(fc.property(fc.anything(), (value) => !isPtraceError(value)));
  });
});
