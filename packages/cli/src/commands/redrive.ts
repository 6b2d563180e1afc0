import type { Command } from 'commander';
import { count } from '../arguments/values.js';
import { addCommand, type Cli, type CommonOptions } from '../cli.js';
import { counted } from '../terminal/text.js';

interface RedriveOptions extends CommonOptions {
  readonly limit: number;
  readonly afresh?: true;
}

export function addRedrive(program: Command, cli: Cli): void {
  addCommand(program, 'redrive <queue> [ids...]', 'put dead letters back into their queue: the oldest, or those named')
    .option('-l, --limit <number>', 'how many at most', count, 1_000)
    .option('--afresh', 'let those that processes died under begin again, too, instead of going on')
    .action(async (queue: string, ids: readonly string[], options: RedriveOptions) => {
      const { limit, afresh = false } = options;
      const which = ids.length === 0 ? { limit } : { ids, limit: ids.length };
      const redriven = await cli.ask(options, ({ queues }) => queues.deadLetters.redrive(queue, { ...which, afresh }));
      cli.answer(options, { redriven }, () => [`${counted(redriven.length, 'run')} put back into "${queue}".`]);
      cli.expectAll(ids, redriven);
    });
}
