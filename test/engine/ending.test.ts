/** Node ends while engines are attached: what they trace goes on, unharmed and untraced. */
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { script } from '../../lib/raw/child.js';
import { root } from '../helpers/dist.js';
import { limit } from '../helpers/scale.js';
import { child, expectUntraced, readWord, until } from '../helpers/tracing.js';

const victim = fileURLToPath(new URL('ending.ts', import.meta.url));

describe('the end of Node', () => {
  for (const [way, code] of [
    ['exit', 3],
    ['uncaught', 1],
  ] as const) {
    it.each(['running', 'held', 'stepped'])(
      `by ${way} leaves a thread alone that is %s`,
      async (state) => {
        const started = child(
          script()
            .setPtracerAny()
            .loop((s) => s.syscall('getppid').increment('rounds')),
        );
        const { exitCode, stdout, stderr } = await execa(
          process.execPath,
          ['--import', 'tsx', victim, `${started.pid}`, state, way],
          { cwd: root, reject: false, timeout: limit(15_000) },
        );
        expect({ exitCode, stdout }, stderr).toEqual({ exitCode: code, stdout: 'ready' });
        await expectUntraced(started.pid, 'RS');
        const before = readWord(started, 'rounds');
        await until(() => readWord(started, 'rounds') > before, 'it goes on');
      },
      limit(20_000),
    );
  }
});
