import type { Pruned, RetentionRule } from '@perdure/core';
import { type Command, Option } from 'commander';
import { withoutUndefined } from '../arguments/filter-options.js';
import { count, duration, wholeNumber } from '../arguments/values.js';
import { addCommand, type Cli, type CommonOptions } from '../cli.js';
import { UsageError } from '../failures/usage-error.js';
import { exitCodes } from '../failures/exit-codes.js';
import type { Access } from '../database/connection.js';
import { counted } from '../terminal/text.js';

interface PruneOptions extends CommonOptions {
  readonly olderThan?: string;
  readonly keep?: number;
  readonly workflow?: string;
  readonly status?: NonNullable<RetentionRule['status']>;
  readonly limit?: number;
  readonly yes?: true;
}

/** So many are deleted between two looks at whether it goes on. */
const partMax = 1_000;

export function addPrune(program: Command, cli: Cli): void {
  addCommand(program, 'prune', 'delete runs that have ended, by age or by number')
    .option('--older-than <duration>', "those that ended longer ago than this, such as '30d'", duration)
    .option('--keep <number>', 'all but so many, the newest; needs --workflow', wholeNumber)
    .option('--workflow <name>', 'of this workflow')
    .addOption(new Option('--status <status>', 'that ended so').choices(['completed', 'failed', 'cancelled', 'dead']))
    .option('-l, --limit <number>', 'how many at most', count)
    .option('-y, --yes', 'do not ask before')
    .action(async (options: PruneOptions) => {
      const { olderThan, keep, workflow, status } = options;
      if (olderThan === undefined && keep === undefined)
        throw new UsageError('Which runs? Give --older-than or --keep.');
      const rule = withoutUndefined({ olderThan, keep, workflow, status });
      if (!(await cli.isAgreed(`This is to delete ${meaning(rule)}.`, { yes: options.yes }))) return;
      const pruned = await cli.ask(options, (access) => prune(access, cli, rule, options.limit ?? Infinity));
      cli.answer(options, pruned, () => [
        `${counted(pruned.deleted, 'run')} deleted.${pruned.isPart ? ' There are more: repeat it.' : ''}`,
      ]);
    });
}

function meaning({ olderThan, keep, workflow, status }: RetentionRule): string {
  const which = [
    `${status ?? 'all'} runs`,
    ...(workflow === undefined ? [] : [`of "${workflow}"`]),
    ...(olderThan === undefined ? [] : [`that ended more than ${olderThan} ago`]),
    ...(olderThan === undefined || keep === undefined ? [] : ['or']),
    ...(keep === undefined ? [] : [`beyond the newest ${keep}`]),
  ];
  return which.join(' ');
}

/** Ctrl-C ends it after the part under way. */
async function prune({ runs }: Access, cli: Cli, rule: RetentionRule, limit: number): Promise<Pruned> {
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once('SIGINT', interrupt);
  const progress = cli.terminal.progress('deleted');
  try {
    for (let deleted = 0; ;) {
      const part = await runs.prune([rule], { limit: Math.min(partMax, limit - deleted), signal: interrupted.signal });
      deleted += part.deleted;
      progress.to(deleted);
      if (interrupted.signal.aborted) cli.exitCode = exitCodes.interrupted;
      if (!part.isPart || deleted >= limit || interrupted.signal.aborted) return { deleted, isPart: part.isPart };
    }
  } finally {
    process.off('SIGINT', interrupt);
    progress.end();
  }
}
