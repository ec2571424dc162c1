import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { VmError } from '../../lib/vm/failure.js';
import type { GuestResult, GuestRun } from '../../lib/vm/run.js';
import { limit } from '../helpers/scale.js';
import { until } from '../helpers/processes.js';
import { requireBuild } from '../helpers/dist.js';
import { scratch } from '../helpers/scratch.js';

// What a guest is made of costs a download; the machine of these tests is a script, which has no use for it.
vi.mock('../../lib/vm/fetch-node.js', () => ({
  fetchNode: () => Promise.resolve({ version: '20.0.0', file: '/dev/null' }),
}));
vi.mock('../../lib/vm/fetch-system.js', () => ({ fetchSystem: () => Promise.resolve([]) }));
const { runInGuest, shellInGuest } = await import('../../lib/vm/run.js');

/** A machine in place of QEMU. It plays the part of a test, which is `act`. */
const QEMU = `#!/bin/sh
here=$(dirname "$0")
try=$(( $(cat "$here/tries" 2>/dev/null || echo 0) + 1 ))
echo $try >"$here/tries"
echo $$ >"$here/pid"
echo "$*" >"$here/args.$try"
for word; do case $word in if=none,id=result,*) disk=\${word#*file=}; disk=\${disk%%,*};; esac; done
up() { echo "SeaBIOS"; echo "@linux-ptrace up 6.99.0-guest"; }
# The exit code, where it goes, and what is put before its length.
result() {
  root=$(mktemp -d "$here/XXXXXX"); mkdir "$root/io" "$root/out"
  if [ "$leave" ]; then (cd "$root/out" && eval "$leave"); fi
  echo "the output" >"$root/io/stdout"; echo "the complaint" >"$root/io/stderr"; echo $1 >"$root/io/code"; [ $1 = none ] && : >"$root/io/code"; echo '{}' >"$root/out/report.json"
  tar -C "$root" -czf "$root/r" io out
  echo "@linux-ptrace done"
  if [ $2 = disk ]; then dd if="$root/r" of="$disk" conv=notrunc 2>/dev/null; else base64 "$root/r"; fi
  echo "@linux-ptrace result $2 $3$(wc -c <"$root/r") $(sha256sum <"$root/r" | cut -d ' ' -f 1)"
  rm -r "$root"
  exec sleep 1000
}
. "$here/act"
`;

let folder: string;
let kernel: string;

beforeEach(() => {
  requireBuild();
  folder = scratch();
  kernel = join(folder, 'bzImage');
  const bytes = Buffer.alloc(0x2000);
  bytes.writeUInt16LE(0xaa55, 0x1fe);
  bytes.write('HdrS', 0x202, 'latin1');
  bytes.writeUInt16LE(0x20f, 0x206);
  bytes.writeUInt16LE(1, 0x236);
  writeFileSync(kernel, bytes);
  writeFileSync(join(folder, 'qemu-system-x86_64'), QEMU);
  chmodSync(join(folder, 'qemu-system-x86_64'), 0o755);
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH'] ?? ''}`);
  vi.stubEnv('LINUX_PTRACE_CACHE', join(folder, 'cache'));
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
});

/** Runs a machine that does what the shell's words say. */
function play(act: string, more: Partial<GuestRun> = {}): Promise<GuestResult> {
  writeFileSync(join(folder, 'act'), act);
  return runInGuest({ kernel, args: ['probe'], bootLimitMs: limit(10_000), limitMs: limit(15_000), ...more });
}

async function failure(act: string, more: Partial<GuestRun> = {}): Promise<VmError> {
  try {
    await play(act, more);
  } catch (error) {
    if (error instanceof VmError) {
      if (error.log !== undefined) rmSync(error.log);
      return error;
    }
    throw error;
  }
  throw new Error('the machine gave a result');
}

const tries = (): number => Number(readFileSync(join(folder, 'tries'), 'utf8'));
const argumentsOf = (attempt: number): string => readFileSync(join(folder, `args.${attempt}`), 'utf8');
const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`).length > 0;

describe('a run in a guest', () => {
  it.each(['disk', 'console'])(
    'brings back output, exit code and files by the %s, and ends the machine',
    async (way) => {
      const out = join(folder, 'out');
      const lines: string[] = [];
      const result = await play(`up; echo "a line"; result 1 ${way}`, { out, onLine: (line) => lines.push(line) });
      expect(result).toMatchObject({
        code: 1,
        stdout: 'the output\n',
        stderr: 'the complaint\n',
        files: ['report.json'],
        tries: 1,
      });
      expect(result.release).toBe('6.99.0-guest');
      expect(readdirSync(out)).toEqual(['report.json']);
      expect(lines).toContain('a line');
      const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
      await until(() => !isAlive(pid), 'the machine is gone');
    },
  );

  it('is emulated on one processor and never accelerated', async () => {
    await play('up; result 0 disk');
    expect(argumentsOf(1)).toMatch(/-accel tcg,thread=single .*-smp 1 /);
    expect(argumentsOf(1)).not.toMatch(/kvm/);
  });

  it('is tried once more when the kernel panics, and then told more of', async () => {
    const panic = 'echo "[    0.1] Kernel panic - not syncing: Oops"; exit 0';
    const result = await play(`[ $try = 1 ] && { ${panic}; }; up; result 0 disk`);
    expect(result.tries).toBe(2);
    expect(argumentsOf(1)).toMatch(/panic=-1 quiet/);
    expect(argumentsOf(2)).toMatch(/earlyprintk=serial,ttyS0,115200 ignore_loglevel/);
    const error = await failure(panic);
    expect(error.reason).toBe('panic');
    expect(error.message).toMatch(/^the kernel panicked: Oops \(the console's log: /);
  });

  it('is not tried again when the kernel lacks something', async () => {
    const error = await failure('echo "@linux-ptrace lacks CONFIG_PROC_FS"; exit 0');
    expect(error.reason).toBe('unsupported-kernel');
    expect(error.message).toMatch(/CONFIG_PROC_FS=y/);
    expect(tries()).toBe(1);
  });

  it('does not take half a result for a whole one', async () => {
    const error = await failure('up; result 0 disk 9');
    expect(error.reason).toBe('machine-failed');
    expect(error.message).toMatch(/did not arrive whole/);
    expect(tries()).toBe(2);
  });

  it('says in words that its files cannot be put where they should go', async () => {
    const out = join(folder, 'out');
    mkdirSync(join(out, 'report.json', 'full'), { recursive: true });
    const error = await failure('up; result 0 disk', { out });
    expect(error.reason).toBe('bad-input');
    expect(error.message).toMatch(
      /^the folder .*\/out, where the files of the guest go, cannot be written to: is a directory \(--out names another\)/,
    );
    expect(readdirSync(out)).toEqual(['report.json']);
    expect(tries()).toBe(1);
  });

  it('does not take an exit code that is missing for 0', async () => {
    const error = await failure('up; result none disk');
    expect(error.reason).toBe('machine-failed');
    expect(error.message).toMatch(/did not tell how its command ended/);
  });

  it('brings back files only: what links lead to is of another machine', async () => {
    const out = join(folder, 'out');
    writeFileSync(join(folder, 'secret'), 'of the host');
    const leave = `ln -s ${folder}/secret stolen; ln -s nowhere dangling; ln -s . loop; ln -s ${folder} all; mkdir deep; echo 1 >deep/file`;
    const result = await play(`leave='${leave}'; up; result 0 disk`, { out });
    expect(result.files).toEqual(['deep/file', 'report.json']);
    expect(readdirSync(out)).toEqual(['deep', 'report.json']);
  });

  it('keeps its result where its log cannot be kept', async () => {
    const words: string[] = [];
    const logs = join(folder, 'logs');
    mkdirSync(logs);
    const log = join(logs, 'log');
    const result = await play(`rm -r ${logs}; up; result 0 disk`, { log, onPhase: (said) => words.push(said) });
    expect(result.code).toBe(0);
    expect(words.at(-1)).toBe(`the console's log ${log} cannot be written to: no such file or directory`);
  });

  it('is over when nothing comes from the console', async () => {
    const error = await failure('echo SeaBIOS; exec sleep 1000', { bootLimitMs: 300 });
    expect(error.reason).toBe('silent');
    expect(error.message).toMatch(/nothing came from the serial console/);
    expect(tries()).toBe(2);
  });

  it('is over when the command does not end, without another try', async () => {
    const error = await failure('up; exec sleep 1000', { limitMs: limit(1000) });
    expect(error.reason).toBe('too-long');
    expect(tries()).toBe(1);
  });

  it('is tried once more when the command dies of a signal', async () => {
    const error = await failure('up; result 139 disk');
    expect(error.reason).toBe('machine-failed');
    expect(error.message).toMatch(/the command in the guest died of signal 11/);
    expect(tries()).toBe(2);
  });

  it('ends with the machine gone when it is aborted', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const running = play('up; exec sleep 1000', {
      signal: controller.signal,
      onPhase: (words) => words.startsWith('up') && controller.abort(reason),
    });
    await expect(running).rejects.toBe(reason);
    expect(isAlive(Number(readFileSync(join(folder, 'pid'), 'utf8')))).toBe(false);
  });

  it('leaves no file behind, and keeps the log where it is told to', async () => {
    const temporary = scratch();
    vi.stubEnv('TMPDIR', temporary);
    const log = join(folder, 'console.log');
    await play('up; echo words; result 0 disk', { log });
    expect(readFileSync(log, 'utf8')).toMatch(/words/);
    await expect(play('exit 3', { log })).rejects.toThrow(/QEMU ended with 3/);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('takes away what a killed run has left', async () => {
    const temporary = scratch();
    vi.stubEnv('TMPDIR', temporary);
    const dead = spawnSync('true').pid;
    const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
    for (const pid of [dead, process.pid])
      mkdirSync(join(temporary, `linux-ptrace-vm-${pid}-${namespace}-XXXXXX`, 'result'), { recursive: true });
    await play('up; result 0 disk');
    expect(readdirSync(temporary)).toEqual([`linux-ptrace-vm-${process.pid}-${namespace}-XXXXXX`]);
  });

  it('gives the guest the package, the command and the files it was told to', async () => {
    const given = join(folder, 'mine.mjs');
    writeFileSync(given, 'export const scenarios = [];');
    // The image is gone when the machine is: the machine keeps it.
    await play(
      `for word; do [ "$before" = -initrd ] && cp "$word" "$here/kept"; before=$word; done; up; result 0 disk`,
      {
        files: [given],
        args: ['conform', '--load', "it's.mjs"],
        env: { MINE: 'yes' },
      },
    );
    const image = readFileSync(join(folder, 'kept')).toString('latin1');
    expect(image).toMatch(/export MINE='yes'/);
    expect(image).toMatch(/cli\.js' 'conform' '--load' 'it'\\''s\.mjs'/);
    for (const path of [
      'init',
      'opt/linux-ptrace/bundle/cli.js',
      'out/mine.mjs',
      'opt/linux-ptrace/node_modules/commander/package.json',
    ]) {
      expect(image.includes(`${path}\0`), path).toBe(true);
    }
  });
});

describe('a shell in a guest', () => {
  // Its terminal is that of these tests, which its machine says nothing to.
  const pid = (): number => Number(readFileSync(join(folder, 'pid'), 'utf8'));

  it('is over when its kernel does not come up: nobody could end it from there', async () => {
    writeFileSync(join(folder, 'act'), 'exec sleep 1000');
    await expect(shellInGuest({ kernel, bootLimitMs: 300 })).rejects.toMatchObject({ reason: 'silent' });
    expect(isAlive(pid())).toBe(false);
    expect(argumentsOf(1)).toMatch(/ stdio,id=console,mux=on,signal=off,logfile=/);
  });

  it('ends with the machine gone when it is aborted', async () => {
    writeFileSync(join(folder, 'act'), 'exec sleep 1000');
    const controller = new AbortController();
    const reason = new Error('enough');
    const running = shellInGuest({ kernel, signal: controller.signal });
    await until(() => existsSync(join(folder, 'pid')), 'the machine runs');
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
    await until(() => !isAlive(pid()), 'the machine is gone');
  });
});

describe('what makes no sense is refused before anything is started', () => {
  it.each([
    [{ memory: 8 }, /8 MiB of memory are too few/],
    [{ memory: 1.5 }, /too few/],
    [{ cpus: 0 }, /0 processors/],
    [{ files: ['/nowhere/at/all'] }, /is no file that could be given/],
    [{ cpu: 'help' }, /'help' is no processor: .*-cpu help/],
    // A run of an hour would lose its result.
    [{ out: '/proc/nothing' }, /the folder \/proc\/nothing cannot be written to/],
    [{ log: '/nowhere/log' }, /the console's log \/nowhere\/log cannot be written to/],
  ])('%o', async (more, pattern) => {
    const error = await failure('up; result 0 disk', more);
    expect(error.reason).toBe('bad-input');
    expect(error.message).toMatch(pattern);
    expect(existsSync(join(folder, 'tries'))).toBe(false);
  });

  it('a file that is no kernel', async () => {
    expect((await failure('up', { kernel: join(folder, 'act') })).reason).toBe('bad-kernel');
  });

  it('no QEMU: the message tells the package', async () => {
    vi.stubEnv('PATH', join(folder, 'empty'));
    const error = await failure('up');
    expect(error.reason).toBe('missing-tool');
    expect(error.message).toMatch(/qemu-system-x86_64 is not in PATH.*apt-get install qemu-system-x86\)/);
  });
});
