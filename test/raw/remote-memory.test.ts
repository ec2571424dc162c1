import { describe, expect, it } from 'vitest';
import { script } from '../../lib/raw/child.js';
import { peekData, processVmRead, processVmReadv, processVmWrite, processVmWritev } from '../../lib/raw/index.js';
import { pageSize } from '../helpers/mappings.js';
import { child, dead, expectReason, failure, next, stopWord } from './tracee.js';

const PAGE = pageSize;
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;

/** A child with a buffer `text`, and at `pages` three pages of which the middle one is gone. */
function withHole(): { readonly pid: number; readonly text: bigint; readonly pages: bigint } {
  const program = script();
  const started = child(
    program
      .buffer('text', 'abcdefghijklmnopqrstuvwxyz')
      .syscall('mmap', 0, 3 * PAGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0)
      .store('pages')
      .compute(program.word('pages'), 'add', PAGE, 1)
      .syscall('munmap', program.register(1), PAGE)
      .traceme()
      .tgkillSelf('SIGSTOP')
      .loop((s) => s.pause()),
  );
  expect(next(started.pid)).toBe(stopWord(19));
  const { pid } = started;
  return { pid, text: started.address('text'), pages: peekData(pid, started.address('pages')) };
}

describe('process_vm_readv and writev', () => {
  it('read and write one segment', () => {
    const { pid, text } = withHole();
    const buffer = new Uint8Array(26);
    expect(processVmRead(pid, text, buffer)).toBe(26);
    expect(Buffer.from(buffer).toString()).toBe('abcdefghijklmnopqrstuvwxyz');
    buffer.fill(0);
    expect(processVmRead(pid, text + 1n, buffer, 2, 3)).toBe(3);
    expect(Buffer.from(buffer.subarray(0, 6)).toString('latin1')).toBe('\0\0bcd\0');
    expect(processVmWrite(pid, text, Buffer.from('..XYZ..'), 2, 3)).toBe(3);
    expect(processVmRead(pid, text, buffer, 0, 4)).toBe(4);
    expect(Buffer.from(buffer.subarray(0, 4)).toString()).toBe('XYZd');
    expect(processVmRead(pid, text, new Uint8Array(0))).toBe(0);
  });

  it('read and write many segments', () => {
    const { pid, text } = withHole();
    const [one, two] = [new Uint8Array(3), new Uint16Array(2)];
    const segments = [
      { address: text + 10n, length: 2 },
      { address: text, length: 5 },
    ];
    expect(processVmReadv(pid, [one, two], segments)).toBe(7);
    expect(Buffer.from(one).toString() + Buffer.from(two.buffer).toString()).toBe('klabcde');
    expect(processVmWritev(pid, [Buffer.from('12'), Buffer.from('3')], [{ address: text, length: 3 }])).toBe(3);
    expect(processVmRead(pid, text, one)).toBe(3);
    expect(Buffer.from(one).toString()).toBe('123');
    expect(processVmReadv(pid, [], [])).toBe(0);
  });

  it('tell how far they came', () => {
    const { pid, pages } = withHole();
    const bytes = new Uint8Array(3 * PAGE).fill(7);
    expect(processVmWrite(pid, pages, bytes)).toBe(PAGE);
    bytes.fill(0);
    expect(processVmRead(pid, pages + 100n, bytes)).toBe(PAGE - 100);
    expect(bytes.subarray(0, PAGE - 100).every((byte) => byte === 7)).toBe(true);
    expect(bytes[PAGE - 100]).toBe(0);
    const segments = [0n, 2n, 1n].map((page) => ({ address: pages + page * BigInt(PAGE), length: PAGE }));
    expect(processVmReadv(pid, [bytes], segments)).toBe(2 * PAGE);
    expectReason(() => processVmRead(pid, pages + BigInt(PAGE), bytes), 'kernel', 'EFAULT');
  });

  it('fail where nothing is, and for nobody', () => {
    const { pid } = withHole();
    expectReason(() => processVmRead(pid, 0n, new Uint8Array(8)), 'kernel', 'EFAULT');
    expectReason(() => processVmWrite(pid, 1n, new Uint8Array(8)), 'kernel', 'EFAULT');
    expectReason(() => processVmReadv(pid, [new Uint8Array(8)], [{ address: 0, length: 8 }]), 'kernel', 'EFAULT');
    expectReason(() => processVmRead(dead(), 0n, new Uint8Array(8)), 'gone', 'ESRCH');
    expectReason(() => processVmWritev(dead(), [new Uint8Array(8)], [{ address: 0, length: 8 }]), 'gone', 'ESRCH');
  });

  it('refuse bad ranges and segments', () => {
    const { pid, text } = withHole();
    const buffer = new Uint8Array(8);
    for (const [offset, length] of [
      [9, undefined],
      [-1, undefined],
      [0, 9],
      [4, 5],
      [0, -1],
      [0.5, 1],
      [NaN, 1],
      ['0', 1],
      [0, 2 ** 53],
    ]) {
      expectReason(() => processVmRead(pid, text, buffer, offset as never, length as never), 'bad-input');
      expectReason(() => processVmWrite(pid, text, buffer, offset as never, length as never), 'bad-input');
    }
    for (const [local, remote] of [
      [buffer, []],
      [[buffer], { address: 0, length: 1 }],
      [[8], []],
      [[buffer], [{ address: -1, length: 1 }]],
      [[buffer], [{ address: 0, length: -1 }]],
      [[buffer], [{ address: 0 }]],
      [[buffer], [undefined]],
      [[buffer], [null]],
      [new Array(1025).fill(buffer), []],
      [[], new Array(1025).fill({ address: 0, length: 0 })],
    ]) {
      expectReason(() => processVmReadv(pid, local as never, remote as never), 'bad-input');
      expectReason(() => processVmWritev(pid, local as never, remote as never), 'bad-input');
    }
    expect(failure(() => processVmReadv(pid, new Array(1024).fill(buffer) as Uint8Array[], []))).toBeUndefined();
  });

  it('a buffer that a getter detaches is not written to', () => {
    const { pid, text } = withHole();
    const buffer = new Uint8Array(8);
    const hostile = {
      get address() {
        structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
        return text;
      },
      length: 8,
    };
    expect(processVmReadv(pid, [buffer], [hostile])).toBe(0);
  });
});
