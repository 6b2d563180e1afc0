import { InvalidArgumentError } from '../errors/errors.js';
import type { EpochMs } from '../seams/clock.js';
import { slotPrefix } from '../schedule/next-fire.js';
import type { Attributes, RunStatus } from '../store/records.js';
import type { RunConditions } from '../store/run-listing.js';
import { checkFlag, checkObject, told } from '../util/given.js';
import { encodeAttributes } from '../workflow/attributes.js';

/** Which runs; each of what is given must hold, and of a list one. */
export interface RunFilter {
  readonly id?: string | readonly string[];
  /** What the workflow ids begin with. */
  readonly idPrefix?: string;
  readonly name?: string | readonly string[];
  readonly status?: RunStatus | readonly RunStatus[];
  readonly queue?: string | readonly string[];
  readonly version?: string | readonly string[];
  /** The engine that executes them, or did last. */
  readonly executorId?: string | readonly string[];
  readonly parentId?: string | readonly string[];
  /** Whether a workflow started them. */
  readonly hasParent?: boolean;
  readonly forkedFrom?: string | readonly string[];
  /** The schedule that started them. */
  readonly schedule?: string;
  readonly createdFrom?: Date;
  readonly createdBefore?: Date;
  readonly finishedFrom?: Date;
  readonly finishedBefore?: Date;
  /** Runs that have all of these. */
  readonly attributes?: Attributes;
}

/** Runs by their ids, or by what they have in common. */
export type RunChoice = string | readonly string[] | RunFilter;

const statuses: readonly unknown[] = [
  'enqueued',
  'delayed',
  'running',
  'blocked',
  'completed',
  'failed',
  'cancelled',
  'dead',
] satisfies RunStatus[];

const lists = {
  id: 'ids',
  name: 'names',
  queue: 'queues',
  version: 'versions',
  executorId: 'executorIds',
  parentId: 'parentIds',
  forkedFrom: 'forkedFrom',
} as const;

const moments = ['createdFrom', 'createdBefore', 'finishedFrom', 'finishedBefore'] as const;

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** What the store is asked. @throws {InvalidArgumentError} for what is no filter */
export function conditionsOf(filter: RunFilter): RunConditions {
  checkObject('A filter of runs', filter);
  const known = [...Object.keys(lists), ...moments, 'idPrefix', 'status', 'hasParent', 'schedule', 'attributes'];
  const strange = Object.keys(filter).find((name) => !known.includes(name));
  if (strange !== undefined) {
    throw new InvalidArgumentError(`A filter of runs can have ${known.join(', ')}, not ${strange}`);
  }
  const { idPrefix, schedule, hasParent, status } = filter;
  if (idPrefix !== undefined && schedule !== undefined) {
    throw new InvalidArgumentError('Give either idPrefix or schedule: the schedule is what the ids begin with');
  }
  const prefix = schedule === undefined ? idPrefix : slotPrefix(textOf('schedule', schedule));
  return {
    ...listsOf(filter),
    ...(prefix !== undefined && { idPrefix: textOf('idPrefix', prefix) }),
    ...(hasParent !== undefined && { hasParent: checkFlag('hasParent', hasParent) }),
    ...(status !== undefined && { statuses: textsOf('status', status).map(checkStatus) }),
    ...momentsOf(filter),
    ...(filter.attributes !== undefined && { attributes: encodeAttributes(filter.attributes) ?? '{}' }),
  };
}

/** The ids where the choice is one of ids; null if it is a filter. */
export function idsOf(choice: RunChoice): readonly string[] | null {
  if (typeof choice === 'string') return [choice];
  if (!isList(choice)) return null;
  return [...new Set(textsOf('ids', choice))];
}

/** Whether a filter says anything. All ids begin with an empty prefix, and no attributes are what every run has. */
export function isNarrow({ idPrefix = '', attributes, ...others }: RunFilter): boolean {
  const hasAttributes = Object.keys({ ...attributes }).length > 0;
  return idPrefix !== '' || hasAttributes || Object.values(others).some((value) => value !== undefined);
}

/** @throws {InvalidArgumentError} for a filter that would mean everything there is */
export function checkNarrow(filter: RunFilter): RunFilter {
  if (isNarrow(filter)) return filter;
  throw new InvalidArgumentError('An empty filter means every run there is. Say which: by name, status, time …');
}

const isList = (choice: RunChoice): choice is readonly string[] => Array.isArray(choice);

function listsOf(filter: RunFilter): Pick<RunConditions, (typeof lists)[keyof typeof lists]> {
  const given = Object.entries(lists).flatMap(([name, condition]) => {
    const value = filter[name as keyof typeof lists];
    return value === undefined ? [] : [[condition, textsOf(name, value)] as const];
  });
  const found = Object.fromEntries(given);
  const { executorIds } = found;
  // What is no id of an executor has none of its runs, and Postgres would not take it for one.
  return executorIds === undefined ? found : { ...found, executorIds: executorIds.filter((id) => uuid.test(id)) };
}

function momentsOf(filter: RunFilter): Partial<Record<(typeof moments)[number], EpochMs>> {
  return Object.fromEntries(
    moments.flatMap((name) => {
      const moment = filter[name];
      if (moment === undefined) return [];
      if (!(moment instanceof Date) || Number.isNaN(moment.getTime())) {
        throw new InvalidArgumentError(`${name} must be a valid Date`);
      }
      return [[name, moment.getTime()] as const];
    }),
  );
}

function textsOf(name: string, value: string | readonly string[]): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map((text) => textOf(name, text));
}

function textOf(name: string, text: unknown): string {
  if (typeof text === 'string' && !/\0|\p{Cs}/u.test(text)) return text;
  throw new InvalidArgumentError(`${name} must be a text, or a list of texts`);
}

function checkStatus(status: string): RunStatus {
  if (statuses.includes(status)) return status as RunStatus;
  throw new InvalidArgumentError(`status must be one of ${statuses.join(', ')}, not ${told(status)}`);
}
