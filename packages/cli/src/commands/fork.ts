import type { Fork, ForkOptions, ForkPoint } from '@perdure/core';
import type { Command } from 'commander';
import { addFilterOptions, type FilterOptions, filterOf, withoutUndefined } from '../arguments/filter-options.js';
import { count, duration } from '../arguments/values.js';
import { addCommand, type Cli, type CommonOptions } from '../cli.js';
import type { Access } from '../database/connection.js';
import { UsageError } from '../failures/usage-error.js';
import { chooseRuns, type ChoiceOptions } from '../run-choice.js';
import { table } from '../terminal/table.js';

interface ForkCommandOptions extends CommonOptions, FilterOptions, ChoiceOptions {
  readonly from?: string;
  readonly fromStep?: string;
  readonly workflowId?: string;
  readonly onVersion?: string;
  readonly anyVersion?: true;
  readonly timeout?: string;
  readonly toQueue?: string | false;
}

export function addFork(program: Command, cli: Cli): void {
  addFilterOptions(addCommand(program, 'fork [ids...]', 'make new runs that begin with the history of others'))
    .option('--from <call>', "where they go on by themselves: a step's number, 'failed' or 'last' (the beginning)")
    .option('--from-step <name>', 'the same by name: at the last step that has it')
    .option('--workflow-id <id>', 'the id of the fork (a random one)')
    .option('--on-version <version>', 'the version that they run on (that of their source)')
    .option('--any-version', 'that of the first process to take them')
    .option('--timeout <duration>', 'the time that they may take', duration)
    .option('--to-queue <queue>', 'where they wait (the queue of their source)')
    .option('--no-to-queue', 'let them begin at once')
    .option('-l, --limit <number>', 'how many at most, of those that options choose', count, 1_000)
    .option('-y, --yes', 'do not ask before many are forked')
    .option('--dry-run', 'only say how many it would be about')
    .action(async (ids: readonly string[], options: ForkCommandOptions) => {
      const forks = await cli.ask(options, (access) => fork(access, cli, ids, options));
      if (forks === null) return;
      cli.answer(options, { forks }, () => (forks.length === 0 ? ['There are no such runs.'] : words(cli, forks)));
    });
}

/** Null: nothing was to be done. */
async function fork(
  access: Access,
  cli: Cli,
  ids: readonly string[],
  options: ForkCommandOptions,
): Promise<readonly Fork[] | null> {
  const forkOptions = toForkOptions(options);
  const { workflowId } = options;
  const [id] = ids;
  if (workflowId !== undefined && (id === undefined || ids.length > 1)) {
    throw new UsageError('--workflow-id is for the fork of one run, whose id has to be given.');
  }
  const meant = { status: ['failed', 'dead'] } as const;
  const chosen = await chooseRuns(access, cli, { verb: 'fork', ids, filter: filterOf(options), meant, options });
  if (chosen === null) return null;
  if (id !== undefined && workflowId !== undefined) return [await access.runs.fork(id, { ...forkOptions, workflowId })];
  const progress = cli.terminal.progress('forked', chosen.total);
  try {
    const onProgress = (done: number): void => progress.to(done);
    return await access.runs.forkAll(chosen.choice, { ...forkOptions, limit: options.limit, onProgress });
  } finally {
    progress.end();
  }
}

function toForkOptions({ onVersion, anyVersion, timeout, toQueue, ...options }: ForkCommandOptions): ForkOptions {
  if (onVersion !== undefined && anyVersion === true)
    throw new UsageError('Give either --on-version or --any-version.');
  return withoutUndefined({
    from: pointOf(options),
    version: anyVersion === true ? ({ any: true } as const) : onVersion,
    timeout,
    queue: toQueue === false ? null : toQueue,
  });
}

function pointOf({ from, fromStep }: Pick<ForkCommandOptions, 'from' | 'fromStep'>): ForkPoint | undefined {
  if (from !== undefined && fromStep !== undefined) throw new UsageError('Give either --from or --from-step.');
  if (fromStep !== undefined) return { step: fromStep };
  if (from === undefined || from === 'failed' || from === 'last') return from;
  if (/^\d+$/.test(from)) return Number(from);
  throw new UsageError(`--from must be a step's number, 'failed' or 'last'. For its name there is --from-step.`);
}

const words = ({ terminal }: Cli, forks: readonly Fork[]): string[] =>
  table(
    terminal,
    [
      { title: 'FORK', of: ({ workflowId }) => workflowId, isKey: true },
      { title: 'FROM STEP', of: ({ step }) => String(step), align: 'right' },
      { title: 'OF', of: ({ forkedFrom }) => forkedFrom },
    ],
    forks,
  );
