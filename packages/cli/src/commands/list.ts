import type { RunGroup, RunGrouping, RunInfo } from '@perdure/core';
import { type Command, Option } from 'commander';
import { addFilterOptions, type FilterOptions, filterOf, withoutUndefined } from '../arguments/filter-options.js';
import { count, duration, listed } from '../arguments/values.js';
import { addCommand, type Cli, type CommonOptions } from '../cli.js';
import { listRuns, runFacts, statusColour } from '../runs.js';
import { type Column, table } from '../terminal/table.js';
import { grouped } from '../terminal/text.js';
import { ageText, momentText, tookText } from '../terminal/times.js';

interface ListOptions extends CommonOptions, FilterOptions {
  readonly limit: number;
  readonly after?: string;
  readonly oldest?: true;
}

interface CountOptions extends CommonOptions, FilterOptions {
  readonly by?: readonly RunGrouping[];
  readonly bucket?: string;
}

const groupings: readonly RunGrouping[] = ['status', 'name', 'queue', 'version', 'createdAt'];

export function addList(program: Command, cli: Cli): void {
  addFilterOptions(addCommand(program, 'list', 'list runs, the newest first'))
    .option('-l, --limit <number>', 'how many at most', count, 20)
    .option('--after <place>', 'go on where an earlier list has ended')
    .option('--oldest', 'the oldest first')
    .action(async (options: ListOptions) => {
      const { limit, after, oldest } = options;
      const order = oldest === true ? 'oldest' : 'newest';
      const { runs, next } = await cli.ask(options, (access) =>
        listRuns(access, cli.terminal, filterOf(options), { limit, order, ...(after !== undefined && { after }) }),
      );
      const now = Date.now();
      cli.answer(options, { runs: runs.map(runFacts), next }, () =>
        runs.length === 0 ? ['There are no such runs.'] : table(cli.terminal, columns(now), runs),
      );
      if (next !== null && options.json !== true) cli.terminal.note(`More: repeat it with --after ${next}`);
    });

  addFilterOptions(addCommand(program, 'count', 'count runs'))
    .addOption(new Option('--by <what>', 'tell them apart (may be given again)').choices(groupings).argParser(listed))
    .option('--bucket <duration>', 'how long the stretches of time are for --by createdAt', duration)
    .action(async (options: CountOptions) => {
      const { by = [], bucket } = options;
      const groups = await cli.ask(options, ({ runs }) =>
        runs.count(filterOf(options), withoutUndefined({ by, bucket })),
      );
      cli.answer(options, groups, () =>
        groups.length === 0 ? ['There are no such runs.'] : table(cli.terminal, groupColumns(by), groups),
      );
    });
}

const columns = (now: number): Column<RunInfo>[] => [
  { title: 'ID', of: ({ workflowId }) => workflowId, isKey: true },
  { title: 'WORKFLOW', of: ({ name }) => name },
  { title: 'STATUS', of: ({ status }) => status, colour: ({ status }) => statusColour(status) },
  { title: 'AGE', of: ({ createdAt }) => ageText(now - createdAt), align: 'right' },
  {
    title: 'TOOK',
    of: ({ createdAt, finishedAt }) => (finishedAt === null ? '' : tookText(finishedAt - createdAt)),
    align: 'right',
    isOptional: true,
  },
  { title: 'QUEUE', of: ({ queue }) => queue ?? '', isOptional: true },
  { title: 'ATTEMPT', of: ({ attempt }) => (attempt > 1 ? String(attempt) : ''), align: 'right', isOptional: true },
  { title: 'VERSION', of: ({ version }) => version, isOptional: true },
  { title: 'PARENT', of: ({ parentId }) => parentId ?? '', isOptional: true },
];

function groupColumns(by: readonly RunGrouping[]): Column<RunGroup>[] {
  return [
    ...by.map((grouping): Column<RunGroup> => ({
      title: grouping === 'createdAt' ? 'CREATED' : grouping.toUpperCase(),
      of: (group) => groupText(group, grouping),
    })),
    { title: 'RUNS', of: ({ count: runs }) => grouped(runs), align: 'right' },
    { title: 'LONGEST', of: ({ longestMs }) => (longestMs === null ? '' : tookText(longestMs)), align: 'right' },
    { title: 'FIRST', of: ({ firstAt }) => momentText(firstAt), isOptional: true },
    { title: 'LAST', of: ({ lastAt }) => momentText(lastAt), isOptional: true },
  ];
}

function groupText({ createdAt, queue, ...group }: RunGroup, grouping: RunGrouping): string {
  if (grouping === 'createdAt') return createdAt === undefined ? '' : momentText(createdAt);
  if (grouping === 'queue') return queue ?? '(none)';
  return group[grouping] ?? '';
}
