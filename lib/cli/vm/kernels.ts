/** `linux-ptrace vm kernels`: the kernels that can be had, and those that are here. */
import { Command, Option } from 'commander';
import { GUEST_ARCHS } from '../../vm/guest-arch.js';
import { cachedKernel, type KernelFile } from '../../vm/kernel-cache.js';
import { type KernelSeries, kernelTable } from '../../vm/kernel-table.js';

interface Options {
  readonly arch?: string;
  readonly json?: boolean;
}

interface Row {
  readonly series: KernelSeries;
  readonly cached: KernelFile | undefined;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

function table(rows: readonly Row[]): string {
  const cells = [
    ['ID', 'RELEASE', 'ARCH', 'FLAVOUR', 'CACHED', 'SIZE'],
    ...rows.map(({ series: { id, release, arch, flavour, optional }, cached }) => [
      id,
      release,
      arch,
      optional ? `${flavour} (optional)` : flavour,
      cached?.version ?? '-',
      cached === undefined ? '-' : megabytes(cached.size),
    ]),
  ];
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

const object = ({ series: { id, release, arch, flavour, optional, suites }, cached }: Row): object => ({
  id,
  release,
  arch,
  flavour,
  optional,
  suites,
  cached:
    cached === undefined
      ? null
      : {
          version: cached.version,
          package: cached.package,
          suite: cached.suite,
          file: cached.file,
          size: cached.size,
          sha256: cached.sha256,
        },
});

export function kernelsCommand(): Command {
  return new Command('kernels')
    .summary('list the kernels that can be fetched')
    .description(
      'Lists the kernels that linux-ptrace vm fetch knows, and which version of each is in the cache. Uses no network.',
    )
    .addOption(new Option('--arch <arch>', 'only those of an architecture').choices(GUEST_ARCHS))
    .option('--json', 'as JSON')
    .action(async ({ arch, json }: Options) => {
      const wanted = kernelTable.filter((series) => arch === undefined || series.arch === arch);
      const rows = await Promise.all(
        wanted.map(async (series): Promise<Row> => ({ series, cached: await cachedKernel(series) })),
      );
      process.stdout.write(json === true ? `${JSON.stringify(rows.map(object), null, 2)}\n` : table(rows));
    });
}
