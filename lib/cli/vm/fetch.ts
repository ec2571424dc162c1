/** `linux-ptrace vm fetch`: kernels, and what guests need beside them, into the cache. */
import { dirname } from 'node:path';
import { Command } from 'commander';
import { VmError } from '../../vm/failure.js';
import { fetchKernel } from '../../vm/fetch-kernel.js';
import { fetchNode, nodeLine } from '../../vm/fetch-node.js';
import type { FetchOptions } from '../../vm/fetch-options.js';
import { fetchSystem } from '../../vm/fetch-system.js';
import { GUEST_ARCHS, type GuestArch } from '../../vm/guest-arch.js';
import { type SelectedKernel, selectKernels } from '../../vm/select-kernels.js';
import { untilSignalled } from '../ends.js';
import { UNAVAILABLE } from './ends.js';
import { StatusLine } from './status-line.js';

interface Options {
  readonly refresh?: boolean;
  readonly node?: string[];
  readonly system?: boolean;
}

const FAILURE = 1;

/** One thing to fetch. */
interface Order {
  /** The line for it. */
  readonly fetch: (options: FetchOptions) => Promise<string>;
  /** Whether its absence counts. */
  readonly wanted: boolean;
}

/** @throws VmError `bad-input` */
function ordersOf(ids: readonly string[], { node = [], system }: Options): Order[] {
  const kernels: SelectedKernel[] = selectKernels(ids);
  const lines = node.map(nodeLine);
  // Without a kernel it is not known for which guests the rest is.
  const archs: readonly GuestArch[] = GUEST_ARCHS.filter(
    (arch) => kernels.length === 0 || kernels.some(({ series }) => series.arch === arch),
  );
  return [
    ...kernels.map(({ series, named }): Order => ({
      fetch: async (options) => {
        const { id, version, file } = await fetchKernel(series.id, options);
        return `${id} ${version} ${file}`;
      },
      wanted: named || !series.optional,
    })),
    ...lines.flatMap((line) =>
      archs.map((arch): Order => ({
        fetch: async (options) => {
          const { version, file } = await fetchNode(arch, line, options);
          return `node-${arch} ${version} ${file}`;
        },
        wanted: true,
      })),
    ),
    ...(system === true ? archs : []).map((arch): Order => ({
      fetch: async (options) => {
        const folders = new Set((await fetchSystem(arch, options)).map(({ file }) => dirname(file)));
        // This machine's own files lie in several.
        return `system-${arch} - ${folders.size === 1 ? [...folders].join('') : '-'}`;
      },
      wanted: true,
    })),
  ];
}

/** Fetches all, says of each what became of it in the order of the orders, and gives the exit code. */
async function fetchAll(orders: readonly Order[], refresh: boolean): Promise<number> {
  return await untilSignalled(async (signal) => {
    const status = new StatusLine();
    const options: FetchOptions = {
      signal,
      refresh,
      onProgress: (words) => {
        status.say(words);
      },
    };
    const outcomes = orders.map(({ fetch }) =>
      fetch(options).then(
        (line) => ({ line }) as const,
        (error: unknown) => ({ error }) as const,
      ),
    );
    const said = new Set<string>();
    let code = 0;
    try {
      for (const [index, outcome] of outcomes.entries()) {
        const result = await outcome;
        signal.throwIfAborted();
        status.end();
        if ('line' in result) {
          process.stdout.write(`${result.line}\n`);
          continue;
        }
        const { error } = result;
        if (!(error instanceof VmError)) throw error;
        const wanted = orders[index]?.wanted === true;
        const missing = error.reason === 'unavailable';
        if (!missing) code = FAILURE;
        else if (wanted && code === 0) code = UNAVAILABLE;
        const words = missing && !wanted ? `${error.message} (it is optional)` : error.message;
        if (!said.has(words)) process.stderr.write(`linux-ptrace: ${words}\n`);
        said.add(words);
      }
    } finally {
      // Whoever throws leaves nothing behind that goes on.
      await Promise.allSettled(outcomes);
      status.end();
    }
    return code;
  });
}

export function fetchCommand(): Command {
  const command = new Command('fetch')
    .summary('fetch kernels into the cache')
    .description(
      'Fetches kernels from the packages of Debian, by the archive that the apt of this machine is set up for, and says of each its id, version and ' +
        'file. What is in the cache is not fetched again. LINUX_PTRACE_CACHE names the folder of the cache. Exit code 0 if all are here, 3 if some ' +
        'are not to be had, 1 if something failed.',
    )
    .argument('[id...]', "kernels as in linux-ptrace vm kernels; * stands for anything, and 'all' for all")
    .option('--refresh', 'look for a newer version of what is in the cache')
    .option('--node <version...>', 'builds of Node for the guests, too: lines such as 22, or versions')
    .option('--system', 'what guests need beside kernel and Node, too: a C library, busybox');

  return command.action(async (ids: string[], options: Options) => {
    const refuse = (message: string): never => command.error(`error: ${message}`);
    let orders: Order[] = [];
    try {
      orders = ordersOf(ids, options);
    } catch (error) {
      if (!(error instanceof VmError)) throw error;
      refuse(error.message);
    }
    if (orders.length === 0) refuse("say what to fetch: ids as in linux-ptrace vm kernels, 'all', --node or --system");
    process.exitCode = await fetchAll(orders, options.refresh === true);
  });
}
