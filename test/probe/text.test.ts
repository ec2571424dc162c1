import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { colourOf, probeText, type Colour } from '../../lib/cli/probe-report.js';
import type { Capability, ProbeReport } from '../../lib/probe/index.js';
import { dist } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';

const option = (aspect: 'setoptions' | 'seize' | 'effect', outcome: Partial<Capability>): Capability =>
  ({ id: `option.PTRACE_O_EXITKILL.${aspect}`, group: 'option', option: 1, aspect, ...outcome }) as Capability;

const report = (...capabilities: Capability[]): ProbeReport => ({
  schema: 1,
  kernel: { release: '6.1.0', version: '#1', machine: 'x86_64' },
  arch: 'x64',
  node: 'v20.0.0',
  durationMs: 12.3,
  capabilities,
});

const plain: Colour = (_status, text) => text;
const marked: Colour = (status, text) => `<${status}>${text}`;
const text = (...capabilities: Capability[]): string => probeText(report(...capabilities), plain, 80).join('\n');

const yes = { status: 'yes', detail: 'works' } as const;
const refused = { status: 'no', detail: 'is refused', errno: 5, code: 'EIO' } as const;
const denied = { status: 'denied', detail: 'is refused', errno: 1, code: 'EPERM' } as const;

describe('what `linux-ptrace probe` prints', () => {
  it('lists requests by what came of them, with the names of errors', () => {
    const lines = text(
      { id: 'request.PTRACE_SEIZE', group: 'request', ...yes },
      { id: 'request.PTRACE_LISTEN', group: 'request', ...yes },
      { id: 'request.PTRACE_GETFPXREGS', group: 'request', ...refused },
      { id: 'request.PTRACE_ATTACH', group: 'request', ...denied },
      { id: 'request.PTRACE_PEEKMTETAGS', group: 'request', status: 'not-here', detail: 'a request of arm64' },
    );
    expect(lines).toBe(`Linux 6.1.0 x86_64, Node v20.0.0

requests of ptrace(2)
  yes     SEIZE LISTEN
  no      GETFPXREGS (EIO)
  denied  ATTACH (EPERM)

2 of 4 work, 1 belong to other architectures (12.3 ms)`);
  });

  it('names an option once where all its aspects are alike, and else the aspects that are not', () => {
    const aspects = ['setoptions', 'seize', 'effect'] as const;
    expect(text(...aspects.map((aspect) => option(aspect, yes)))).toContain('\n  yes     EXITKILL\n');
    expect(text(...aspects.map((aspect) => option(aspect, denied)))).toContain('\n  denied  EXITKILL (EPERM)\n');
    const mixed = text(option('setoptions', yes), option('seize', refused), option('effect', yes));
    expect(mixed).toContain('\n  no      EXITKILL.seize (EIO)\n');
    expect(mixed).not.toContain('\n  yes');
  });

  it('gives the rest a line each', () => {
    const lines = text(
      { id: 'memory.proc-mem-force', group: 'memory', ...yes },
      { id: 'memory.poke-force', group: 'memory', ...refused },
    );
    expect(lines).toContain('  yes     proc-mem-force  works');
    expect(lines).toContain('  no      poke-force      EIO: is refused');
  });

  it('keeps lists within the width', () => {
    const many = Array.from({ length: 60 }, (_, index): Capability => ({
      id: `request.PTRACE_NUMBER_${index}`,
      group: 'request',
      ...yes,
    }));
    const lines = probeText(report(...many), plain, 60);
    expect(lines.filter((line) => line.length > 60)).toEqual([]);
    expect(lines.join(' ').match(/NUMBER_\d+/g)).toHaveLength(60);
  });

  it('colours on a terminal only, and not with NO_COLOR', () => {
    const terminal = { isTTY: true };
    expect(colourOf(terminal, {})('no', 'x')).toBe('\u001b[31mx\u001b[0m');
    expect(colourOf(terminal, { NO_COLOR: '' })('no', 'x')).toBe('\u001b[31mx\u001b[0m');
    expect(colourOf(terminal, { NO_COLOR: '1' })('no', 'x')).toBe('x');
    expect(colourOf(terminal, { TERM: 'dumb' })('no', 'x')).toBe('x');
    expect(colourOf({}, {})('no', 'x')).toBe('x');
    const lines = probeText(report({ id: 'request.PTRACE_SEIZE', group: 'request', ...yes }), marked, 80);
    expect(lines.join('\n')).toContain('<yes>yes');
  });

  it('the command prints text, or one JSON document', { timeout: limit(30_000) }, () => {
    const run = (...args: string[]): string => {
      const code = `
        const { probeCommand } = await import(${JSON.stringify(dist('cli/probe.js'))});
        await probeCommand().parseAsync(${JSON.stringify(args)}, { from: 'user' });`;
      const ended = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
      expect(ended.stderr).toBe('');
      expect(ended.status).toBe(0);
      return ended.stdout;
    };
    expect(run()).toMatch(
      /^Linux [^]*\nrequests of ptrace\(2\)\n[^]*\n\d+ of \d+ work, \d+ belong to other architectures/,
    );
    const json = JSON.parse(run('--json')) as ProbeReport;
    expect(json.schema).toBe(1);
    expect(json.capabilities.length).toBeGreaterThan(100);
  });
});
