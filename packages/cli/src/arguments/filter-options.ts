import type { RunFilter, RunStatus } from '@perdure/core';
import { type Command, Option } from 'commander';
import { attribute, listed, moment, repeated } from './values.js';

/** What the options of a filter are parsed to. */
export interface FilterOptions {
  readonly idPrefix?: string;
  readonly name?: readonly string[];
  readonly status?: readonly RunStatus[];
  readonly queue?: readonly string[];
  readonly version?: readonly string[];
  readonly executor?: readonly string[];
  readonly parent?: readonly string[];
  readonly roots?: true;
  readonly forkedFrom?: readonly string[];
  readonly schedule?: string;
  readonly createdFrom?: Date;
  readonly createdBefore?: Date;
  readonly finishedFrom?: Date;
  readonly finishedBefore?: Date;
  readonly attribute?: Readonly<Record<string, string | number | boolean>>;
}

const statuses: readonly RunStatus[] = [
  'enqueued',
  'delayed',
  'running',
  'blocked',
  'completed',
  'failed',
  'cancelled',
  'dead',
];

/** Gives a command the options that say which runs are meant. */
export function addFilterOptions(command: Command): Command {
  const several = (flags: string, description: string): Option => new Option(flags, description).argParser(repeated);
  const time = (flags: string, description: string): Option => new Option(flags, description).argParser(moment);
  const options = [
    several('-n, --name <workflow>', 'of this workflow (may be given again, as most of these)'),
    new Option('-s, --status <status>', 'in this status').choices(statuses).argParser(listed),
    several('-q, --queue <queue>', 'in this queue'),
    new Option('--id-prefix <text>', 'whose ids begin so'),
    several('--version <version>', 'of this version of their workflow'),
    several('--executor <id>', 'that this engine executes, or did last'),
    several('--parent <id>', 'that this run has started'),
    new Option('--roots', 'that no workflow has started'),
    several('--forked-from <id>', 'that were forked from this run'),
    new Option('--schedule <name>', 'that this schedule has started'),
    time('--created-from <time>', "started at this time or later; '2h' is two hours ago"),
    time('--created-before <time>', 'started before'),
    time('--finished-from <time>', 'that ended at this time or later'),
    time('--finished-before <time>', 'that ended before'),
    new Option('-a, --attribute <name=value>', 'that have this attribute').argParser(attribute),
  ];
  for (const option of options) command.addOption(option);
  return command;
}

/** The filter that options stand for; empty if none was given. */
export function filterOf(options: FilterOptions): RunFilter {
  const { idPrefix, name, status, queue, version, executor, parent, roots, forkedFrom, schedule } = options;
  const { createdFrom, createdBefore, finishedFrom, finishedBefore, attribute: attributes } = options;
  return withoutUndefined({
    idPrefix,
    name,
    status,
    queue,
    version,
    executorId: executor,
    parentId: parent,
    hasParent: roots === true ? false : undefined,
    forkedFrom,
    schedule,
    createdFrom,
    createdBefore,
    finishedFrom,
    finishedBefore,
    attributes,
  });
}

type Given<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** What was given: with `exactOptionalPropertyTypes`, undefined is no way to leave an option out. */
export function withoutUndefined<T extends object>(options: T): Given<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Given<T>;
}
