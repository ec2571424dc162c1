/** `linux-ptrace conform`: what the running kernel's ptrace really does. */
import { Command } from 'commander';

interface Options {
  readonly filter?: string[];
  readonly lines?: boolean;
  readonly repeat: string;
}

export function conformCommand(): Command {
  return new Command('conform')
    .option('--filter <glob...>')
    .option('--lines')
    .option('--repeat <n>', '', '1')
    .action(async ({ filter, lines = false, repeat }: Options) => {
      const { catalogue } = await import('../conformance/catalogue.js');
      const { run } = await import('../conformance/runner.js');
      const { beside } = await import('../conformance/transcript.js');
      const { probe } = await import('../probe/index.js');
      const missing = Object.fromEntries(
        probe()
          .capabilities.filter(({ status }) => status !== 'yes')
          .map(({ id, detail }) => [id, detail]),
      );
      const wanted = catalogue().all.filter(
        ({ id }) =>
          filter === undefined ||
          filter.some((glob) => new RegExp(`^${glob.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(id)),
      );
      const many = Array.from({ length: Number(repeat) }, () => wanted).flat();
      const counts = new Map<string, number>();
      await run(many, {
        missing,
        jobs: 2,
        onOutcome: (outcome) => {
          counts.set(outcome.verdict, (counts.get(outcome.verdict) ?? 0) + 1);
          if (many.length > wanted.length && outcome.verdict === 'pass') return;
          console.log(`${outcome.verdict.padEnd(8)} ${outcome.id} ${outcome.durationMs} ms ${outcome.reason ?? ''}`);
          if (lines || outcome.verdict === 'recorded')
            for (const line of outcome.observations) console.log(`    ${line}`);
          if (outcome.verdict !== 'fail') return;
          for (const { expected, observed, agrees } of beside(outcome.expected ?? [], outcome.observations)) {
            console.log(`  ${agrees ? ' ' : '!'} ${(expected ?? '-').padEnd(50)} ${agrees ? '' : (observed ?? '-')}`);
          }
        },
      });
      console.log([...counts].map(([verdict, count]) => `${verdict} ${count}`).join(', '));
    });
}
