import { type LaunchOptions, Perdure } from '@perdure/core';
import type { Command } from 'commander';
import { withoutUndefined } from '../arguments/filter-options.js';
import { count, duration, repeated } from '../arguments/values.js';
import { addCommand, type Cli, type CommonOptions } from '../cli.js';
import { existingPlace } from '../database/connection.js';
import { importModules } from '../modules/user-modules.js';
import { untilAskedToStop } from '../until-asked-to-stop.js';
import { wrap } from '../terminal/text.js';

interface WorkerOptions extends CommonOptions {
  readonly queue?: readonly string[];
  readonly adopt?: true;
  readonly migrate: boolean;
  readonly maxRuns?: number;
  readonly drain: string;
}

export function addWorker(program: Command, cli: Cli): void {
  addCommand(program, 'worker <modules...>', 'execute the workflows that modules define, until SIGTERM or Ctrl-C')
    .option('-q, --queue <queue>', 'serve only this queue (may be given again)', repeated)
    .option('--adopt', 'take runs of versions that no process has any more, if this code fits them')
    .option('--no-migrate', 'only check that the schema is up to date')
    .option('--max-runs <number>', 'how many runs to execute at once', count)
    .option('--drain <duration>', 'how long steps under way may take to end', duration, '10s')
    .action(async (modules: readonly string[], options: WorkerOptions) => {
      const { schema, queue, adopt, migrate, maxRuns, drain } = options;
      const workflows = await importModules(modules);
      // From now on: a process that is told to stop while it starts hands over, too.
      const stopped = untilAskedToStop();
      const perdure = await Perdure.launch({
        ...existingPlace(options, cli.env),
        ...withoutUndefined({ schema, queues: queue, maxRuns }),
        ...(adopt === true && { adopt: 'compatible' }),
        migrate,
      } satisfies LaunchOptions);
      const { executorId } = perdure;
      cli.answer(options, { executorId, workflows }, () => [
        ...wrap(
          `Executing ${workflows.map((name) => `"${name}"`).join(', ')} as ${executorId ?? 'nobody yet'}.`,
          cli.terminal.textWidth,
        ),
      ]);
      await stopped;
      cli.terminal.note('Handing over to other processes …');
      await perdure.shutdown({ drainMs: drain });
    });
}
