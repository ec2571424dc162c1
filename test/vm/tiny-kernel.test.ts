import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, type TestContext, vi } from 'vitest';
import type { Report } from '../../lib/conformance/report/report.js';
import type { ProbeReport } from '../../lib/probe/index.js';
import { cacheFolder } from '../../lib/vm/cache.js';
import { ownSystem } from '../../lib/vm/own-system.js';
import { inPath } from '../../lib/vm/qemu.js';
import { requireBuild } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';
import { scratch } from '../helpers/scratch.js';

// No download: the guest runs what this machine runs.
vi.mock('../../lib/vm/fetch-node.js', () => ({
  fetchNode: () => Promise.resolve({ version: process.versions.node, file: process.execPath }),
}));
vi.mock('../../lib/vm/fetch-system.js', () => ({ fetchSystem: () => ownSystem('not asked for', {}) }));
const { runInGuest } = await import('../../lib/vm/run.js');

const MINUTES = 60_000;

/** The kernel that `npm run kernel:tiny` has built: it takes minutes, so it is not built here. */
function tinyKernel(context: TestContext): string {
  const kernel = process.env['LINUX_PTRACE_TINY_KERNEL'] ?? join(cacheFolder(), 'tiny', '6.12-x64', 'bzImage');
  if (process.arch !== 'x64') context.skip('the tiny kernel of this test is for x64');
  if (!existsSync(kernel)) context.skip('there is no tiny kernel: npm run kernel:tiny builds it');
  for (const program of ['qemu-system-x86_64', 'busybox']) {
    if (inPath(program) === undefined) context.skip(`${program} is not in PATH`);
  }
  requireBuild();
  return kernel;
}

/** What the fragments of the kernel leave out, and what no configuration can. */
const LACKING = [
  'request.PTRACE_SECCOMP_GET_FILTER',
  'request.PTRACE_SECCOMP_GET_METADATA',
  'request.PTRACE_GET_RSEQ_CONFIGURATION',
  'request.PTRACE_GET_THREAD_AREA',
  'option.PTRACE_O_SUSPEND_SECCOMP.setoptions',
  'option.PTRACE_O_TRACESECCOMP.effect',
  'event.PTRACE_EVENT_SECCOMP',
  'syscall-info.seccomp',
  'memory.process_vm_readv',
  'memory.process_vm_writev',
  'memory.proc-mem-force',
  'abi.i386',
  'abi.x32',
  'policy.yama',
];
const THERE = [
  'request.PTRACE_SEIZE',
  'request.PTRACE_GETREGSET',
  'request.PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG',
  'step.single',
  'debug.breakpoints',
  'memory.proc-mem-write',
  'memory.poke-force',
  'policy.user-namespace',
];

describe('a kernel without what no distribution leaves out', () => {
  it(
    'is told for what it is by the probe',
    async (context) => {
      const { code, stdout } = await runInGuest({ kernel: tinyKernel(context), args: ['probe', '--json'] });
      const { capabilities } = JSON.parse(stdout) as ProbeReport;
      const status = new Map(capabilities.map((each) => [each.id, each.status]));
      expect(code).toBe(0);
      expect(LACKING.filter((id) => status.get(id) !== 'no')).toEqual([]);
      expect(THERE.filter((id) => status.get(id) !== 'yes')).toEqual([]);
    },
    limit(5 * MINUTES),
  );

  it(
    'passes what applies to it, and is not asked the rest',
    async (context) => {
      const out = scratch();
      const { code } = await runInGuest({
        kernel: tinyKernel(context),
        out,
        args: [
          ...['conform', '--filter', 'interrupt-status', 'access-*', '*seccomp*', 'x86_64-*', 'pid-ns-*'],
          ...['--format', 'json', '--out', 'report.json'],
        ],
      });
      const { scenarios } = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report;
      const those = (verdict: string): string[] =>
        scenarios.flatMap((each) => (each.verdict === verdict ? each.id : []));
      expect(those('fail')).toEqual([]);
      expect(code).toBe(0);
      expect(those('pass')).toContain('interrupt-status');
      expect(those('skip')).toEqual(
        expect.arrayContaining(['filter_seccomp-exitkill', 'access-realcreds-fscreds', 'pid-ns-event-message']),
      );
    },
    limit(5 * MINUTES),
  );
});
