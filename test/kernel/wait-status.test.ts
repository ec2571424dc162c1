import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CLD,
  WAIT4_MASK,
  WAITID_MASK,
  type WaitStatus,
  decodeWaitStatus,
  encodeWaitStatus,
  waitStatusFromSiginfo,
} from '../../lib/kernel/index.js';
import { noHeaders, runC } from './headers.js';

const signal = fc.integer({ min: 1, max: 64 });
const realStatus: fc.Arbitrary<WaitStatus> = fc.oneof(
  fc.record({ kind: fc.constant('exited' as const), code: fc.integer({ min: 0, max: 255 }) }),
  fc.record({ kind: fc.constant('killed' as const), signal, coreDumped: fc.boolean() }),
  fc.constant({ kind: 'continued' as const }),
  fc.record({ kind: fc.constant('stopped' as const), signal }),
  fc.record({ kind: fc.constant('syscall-stop' as const), signal: fc.constant(5) }),
  fc.record({ kind: fc.constant('event' as const), event: fc.integer({ min: 1, max: 128 }), signal }),
);

describe('decodeWaitStatus', () => {
  it.each<[number, WaitStatus]>([
    [0x0000, { kind: 'exited', code: 0 }],
    [0x4d00, { kind: 'exited', code: 77 }],
    [0x0009, { kind: 'killed', signal: 9, coreDumped: false }],
    [0x008b, { kind: 'killed', signal: 11, coreDumped: true }],
    [0x0040, { kind: 'killed', signal: 64, coreDumped: false }],
    [0xffff, { kind: 'continued' }],
    [0x137f, { kind: 'stopped', signal: 19 }],
    [0x407f, { kind: 'stopped', signal: 64 }],
    [0x857f, { kind: 'syscall-stop', signal: 5 }],
    [0x04057f, { kind: 'event', event: 4, signal: 5 }],
    [0x80137f, { kind: 'event', event: 128, signal: 19 }],
    [0x80057f, { kind: 'event', event: 128, signal: 5 }],
  ])('0x%s', (status, expected) => {
    expect(decodeWaitStatus(status)).toEqual(expected);
    expect(encodeWaitStatus(expected)).toBe(status);
  });

  it('is total', () => {
    fc.assert(
      fc.property(fc.integer({ min: -0x80000000, max: 0xffffffff }), (word) => {
        const status = decodeWaitStatus(word);
        expect(['exited', 'killed', 'continued', 'stopped', 'syscall-stop', 'event']).toContain(status.kind);
        expect(decodeWaitStatus(word >>> 0)).toEqual(decodeWaitStatus(word | 0));
      }),
    );
  });

  it('undoes encodeWaitStatus', () => {
    fc.assert(
      fc.property(realStatus, (status) => {
        expect(decodeWaitStatus(encodeWaitStatus(status))).toEqual(status);
      }),
    );
  });

  it.skipIf(noHeaders !== undefined)("agrees with the C library's macros on every word of 16 bits", () => {
    const ours: string[] = [];
    for (let word = 0; word <= 0xffff; word++) {
      const status = decodeWaitStatus(word);
      // 0x…ff but 0xffff is no word of the kernel, and the macros call it nothing at all.
      if ((word & 0xff) === 0xff && word !== 0xffff) ours.push('-');
      else if (status.kind === 'exited') ours.push(`e${status.code}`);
      else if (status.kind === 'killed') ours.push(`k${status.signal}${status.coreDumped ? 'c' : ''}`);
      else if (status.kind === 'continued') ours.push('c');
      else if (status.kind === 'stopped') ours.push(`s${status.signal}`);
      else if (status.kind === 'syscall-stop') ours.push(`s${status.signal | 0x80}`);
      else ours.push('?');
    }
    const theirs = runC(`
      #include <stdio.h>
      #include <sys/wait.h>
      int main(void) {
        for (int w = 0; w <= 0xffff; w++) {
          if (WIFCONTINUED(w)) puts("c");
          else if (WIFEXITED(w)) printf("e%d\\n", WEXITSTATUS(w));
          else if (WIFSIGNALED(w)) printf("k%d%s\\n", WTERMSIG(w), WCOREDUMP(w) ? "c" : "");
          else if (WIFSTOPPED(w)) printf("s%d\\n", WSTOPSIG(w));
          else puts("-");
        }
      }`);
    expect(ours.findIndex((line, word) => line !== theirs[word])).toBe(-1);
  });
});

describe('waitStatusFromSiginfo', () => {
  it('says what the status word says', () => {
    fc.assert(
      fc.property(realStatus, (status) => {
        const [code, value] = ((): [number, number] => {
          switch (status.kind) {
            case 'exited':
              return [CLD.EXITED, status.code];
            case 'killed':
              return [status.coreDumped ? CLD.DUMPED : CLD.KILLED, status.signal];
            case 'continued':
              return [CLD.CONTINUED, 18];
            default:
              return [CLD.TRAPPED, encodeWaitStatus(status) >>> 8];
          }
        })();
        expect(waitStatusFromSiginfo(code, value)).toEqual(status);
        if (status.kind === 'stopped') expect(waitStatusFromSiginfo(CLD.STOPPED, status.signal)).toEqual(status);
      }),
    );
  });

  it('refuses a code that no wait gives', () => {
    expect(() => waitStatusFromSiginfo(0, 0)).toThrow(RangeError);
    expect(() => waitStatusFromSiginfo(7, 0)).toThrow(RangeError);
  });
});

it('the masks hold the flags that the kernel takes', () => {
  expect(WAIT4_MASK).toBe(0xe000000b);
  expect(WAITID_MASK).toBe(0xe100000f);
});
