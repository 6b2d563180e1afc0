import type { DeadLetter, QueueAdmin, QueueChanges, QueueInfo, RateLimit } from '@perdure/core';
import type { Command } from 'commander';
import { withoutUndefined } from '../arguments/filter-options.js';
import { count, countOrNone, durationOrNone, type OrNone, rateOrNone, wholeNumber } from '../arguments/values.js';
import { addCommand, addGroup, type Cli, type CommonOptions } from '../cli.js';
import { UsageError } from '../failures/usage-error.js';
import { limitsText, queueColumns, queueFacts } from '../queues.js';
import { type Column, facts, table } from '../terminal/table.js';
import { counted } from '../terminal/text.js';
import { errorText } from '../terminal/timeline.js';
import { ageText } from '../terminal/times.js';

interface LimitOptions extends CommonOptions {
  readonly concurrency?: OrNone<number>;
  readonly workerConcurrency?: OrNone<number>;
  readonly rate?: OrNone<RateLimit>;
  readonly keyConcurrency?: OrNone<number>;
  readonly keyRate?: OrNone<RateLimit>;
  readonly ageing?: OrNone<string>;
  readonly maxWait?: OrNone<string>;
}

interface LettersOptions extends CommonOptions {
  readonly limit: number;
  readonly after?: number;
}

export function addQueues(program: Command, cli: Cli): void {
  const queues = addGroup(program, 'queues', 'see and change queues');

  const show = async (queue: string, options: CommonOptions): Promise<void> => {
    const found = await cli.ask(options, (access) => access.queues.get(queue));
    cli.answer(options, found, () => facts(cli.terminal, queueFacts(found)));
  };
  addCommand(queues, 'show <queue>', 'show a queue and its limits').action(show);

  addCommand(queues, 'list [queue]', 'list queues, or show one', { isDefault: true }).action(
    async (queue: string | undefined, options: CommonOptions) => {
      if (queue !== undefined) return await show(queue, options);
      const found = await cli.ask(options, (access) => access.queues.list());
      cli.answer(options, found, () =>
        found.length === 0
          ? ['There are no queues yet: a process declares those that it has when it starts.']
          : table(cli.terminal, queueColumns, found),
      );
    },
  );

  const simple = [
    ['pause', 'let nothing more begin', (admin: QueueAdmin, queue: string) => admin.pause(queue)],
    ['resume', 'let runs begin again', (admin: QueueAdmin, queue: string) => admin.resume(queue)],
    [
      'reset',
      'take all changes back: what code declares holds',
      (admin: QueueAdmin, queue: string) => admin.reset(queue),
    ],
  ] as const;
  for (const [verb, description, carryOut] of simple) {
    addCommand(queues, `${verb} <queue>`, description).action(async (queue: string, options: CommonOptions) => {
      answerWith(cli, options, await changed(cli, options, queue, (admin) => carryOut(admin, queue)));
    });
  }

  addCommand(queues, 'change <queue>', "change limits, for all processes at once; 'none' takes one away")
    .option('--concurrency <number>', 'how many runs execute at once', countOrNone)
    .option('--worker-concurrency <number>', 'how many of them in one process', countOrNone)
    .option('--rate <number/duration>', "how many begin in a stretch of time, such as '100/1m'", rateOrNone)
    .option('--key-concurrency <number>', 'how many of each key execute at once', countOrNone)
    .option('--key-rate <number/duration>', 'how many of each key begin in a stretch of time', rateOrNone)
    .option('--ageing <duration>', 'how long one has to wait for one step of priority', durationOrNone)
    .option('--max-wait <duration>', 'what waits longer fails', durationOrNone)
    .action(async (queue: string, options: LimitOptions) => {
      const changes = changesOf(options);
      if (Object.keys(changes).length === 0) throw new UsageError('Which limit? Give one, such as --concurrency 5.');
      answerWith(cli, options, await changed(cli, options, queue, (admin) => admin.change(queue, changes)));
    });

  addCommand(queues, 'dead-letters <queue>', 'list the runs of a queue that have failed for good')
    .option('-l, --limit <number>', 'how many at most', count, 20)
    .option('--after <place>', 'those behind this place, which the last one of an earlier list had', wholeNumber)
    .action(async (queue: string, options: LettersOptions) => {
      const { limit, after } = options;
      const found = await cli.ask(options, (access) =>
        access.queues.deadLetters.list(queue, withoutUndefined({ limit, after })),
      );
      cli.answer(options, found, () =>
        found.length === 0
          ? [`The queue "${queue}" has no dead letters.`]
          : table(cli.terminal, letterColumns(Date.now()), found),
      );
      const last = found.length === limit ? found.at(-1) : undefined;
      if (last !== undefined && options.json !== true) cli.terminal.note(`More: repeat it with --after ${last.place}`);
    });

  addCommand(queues, 'drop <queue> <ids...>', 'take dead letters off the list; what they ended with stays').action(
    async (queue: string, ids: readonly string[], options: CommonOptions) => {
      const dropped = await cli.ask(options, (access) =>
        access.queues.deadLetters.drop(queue, { ids, limit: ids.length }),
      );
      cli.answer(options, { dropped }, () => [`${counted(dropped.length, 'dead letter')} dropped.`]);
      cli.expectAll(ids, dropped);
    },
  );
}

/** Changes a queue, and looks what it is now. */
async function changed(
  cli: Cli,
  options: CommonOptions,
  queue: string,
  change: (admin: QueueAdmin) => Promise<void>,
): Promise<QueueInfo> {
  return await cli.ask(options, async ({ queues }) => {
    await change(queues);
    return await queues.get(queue);
  });
}

function answerWith(cli: Cli, options: CommonOptions, queue: QueueInfo): void {
  cli.answer(options, queue, () => [
    `Queue "${queue.name}": ${queue.isPaused ? 'paused' : 'open'}, ${limitsText(queue.settings) || 'without limits'}.`,
  ]);
}

function changesOf(options: LimitOptions): QueueChanges {
  const { concurrency, workerConcurrency, rate, keyConcurrency, keyRate, ageing, maxWait } = options;
  const perKey = withoutUndefined({ concurrency: orNull(keyConcurrency), rateLimit: orNull(keyRate) });
  return withoutUndefined({
    concurrency: orNull(concurrency),
    workerConcurrency: orNull(workerConcurrency),
    rateLimit: orNull(rate),
    ...(Object.keys(perKey).length > 0 && { perKey }),
    ageing: orNull(ageing),
    maxWait: orNull(maxWait),
  });
}

const orNull = <T>(value: OrNone<T> | undefined): T | null | undefined => (value === 'none' ? null : value);

const letterColumns = (now: number): Column<DeadLetter>[] => [
  { title: 'ID', of: ({ workflowId }) => workflowId, isKey: true },
  { title: 'STATUS', of: ({ status }) => status },
  { title: 'AGE', of: ({ failedAt }) => ageText(now - failedAt), align: 'right' },
  { title: 'ERROR', of: ({ error }) => errorText(error) },
  { title: 'WORKFLOW', of: ({ workflow }) => workflow, isOptional: true },
  { title: 'KEY', of: ({ key }) => key ?? '', isOptional: true },
];
