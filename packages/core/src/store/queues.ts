import type { Database, Queryable } from '../database/database.js';
import type { QueueDefinition, StoredSettings } from '../queue/queue-settings.js';
import type { EpochMs } from '../seams/clock.js';
import { notifying } from './notifications.js';
import { enqueueParts, enqueueUniqueText, type QueuedRun, queuedRunColumns, waitUntil } from './queue-items.js';
import { rowsParameters, rowsSource } from './sql.js';

export interface QueueRecord {
  readonly name: string;
  readonly settings: StoredSettings;
  readonly isPaused: boolean;
  readonly waiting: number;
  readonly delayed: number;
  readonly running: number;
  readonly deadLetters: number;
}

/** How one of several enqueuings under one id stands for the others. */
export interface UniqueItem {
  readonly run: QueuedRun;
  readonly deduplicationId: string;
  /** Whether another may be enqueued once this one runs, rather than when it is done. */
  readonly freesWhenTaken: boolean;
  readonly putOffMaxMs: number | null; // null = it isn't put off
  readonly now: EpochMs | null; // null = the database's clock
}

export interface QueueStore {
  /** Makes what code says of queues known to all processes. */
  declare(tx: Queryable, definitions: readonly QueueDefinition[]): Promise<void>;
  /** All of them, or those that are asked for. */
  list(tx: Queryable, names: readonly string[] | null): Promise<QueueRecord[]>;
  /**
   * Changes limits for all processes at once; the queue's line is put in order again if that depends on them. False if
   * there is no such queue. `settings` null takes all earlier changes back.
   */
  change(name: string, settings: StoredSettings | null): Promise<boolean>;
  /** False if there is no such queue. */
  setPaused(name: string, paused: boolean): Promise<boolean>;
  /**
   * Enqueues outside any engine's log; answers with the seeds of the runs whose workflow id was not taken.
   *
   * @param enclosed hints that are sent with them
   */
  enqueue(
    tx: Queryable,
    runs: readonly QueuedRun[],
    now: EpochMs | null,
    enclosed?: readonly string[],
  ): Promise<ReadonlySet<string>>;
  /** Enqueues unless another has the deduplication id. A taken workflow id is a unique violation. */
  enqueueUnique(tx: Queryable, item: UniqueItem): Promise<boolean>;
  /** The unfinished run that has a deduplication id. */
  findHolder(tx: Queryable, queue: string, deduplicationId: string): Promise<string | null>;
  /** Gives the input of an enqueuing to the run that waits under its id, which is put off; null if none waits. */
  replaceHolder(tx: Queryable, item: UniqueItem): Promise<string | null>;
}

export function createQueueStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
  channel: string,
): QueueStore {
  return {
    async declare(tx, definitions) {
      await tx.query({
        name: statementName('queues_declare'),
        text: `
          insert into ${schema}.queues as q (name, declared)
          select name, settings::jsonb from unnest($1::text[], $2::text[]) as item(name, settings) order by name
          on conflict (name) do update set declared = excluded.declared
          where q.declared is distinct from excluded.declared`,
        values: [
          { arrayOf: 'text', values: definitions.map((definition) => definition.name) },
          { arrayOf: 'text', values: definitions.map((definition) => JSON.stringify(definition.settings)) },
        ],
      });
    },

    async list(tx, names) {
      const rows = await tx.query<QueueRow>({
        name: statementName('queues_list'),
        text: `
          select q.name, jsonb_strip_nulls(q.declared || q.changed)::text as settings, q.paused_at is not null as is_paused,
            coalesce(items.waiting, 0)::float8 as waiting, coalesce(items.delayed, 0)::float8 as delayed,
            coalesce(items.running, 0)::float8 as running, coalesce(items.dead, 0)::float8 as dead
          from ${schema}.queues q
          left join lateral (
            select count(*) filter (where i.state = 'waiting') as waiting,
              count(*) filter (where i.state = 'delayed') as delayed,
              count(*) filter (where i.state = 'running') as running,
              count(*) filter (where i.state = 'dead') as dead
            from ${schema}.queue_items i where i.queue = q.name
          ) items on true
          where $1::text[] is null or q.name = any($1::text[]) order by q.name`,
        values: [names === null ? null : { arrayOf: 'text', values: names }],
      });
      return rows.map((row) => ({
        name: row.name,
        settings: JSON.parse(row.settings) as StoredSettings,
        isPaused: row.is_paused,
        waiting: Number(row.waiting),
        delayed: Number(row.delayed),
        running: Number(row.running),
        deadLetters: Number(row.dead),
      }));
    },

    async change(name, settings) {
      const rows = await database.query({
        name: statementName('queues_change'),
        text: `
          with changed as (
            update ${schema}.queues q
            set changed = case when $2::text is null then '{}' else q.changed || $2::text::jsonb end
            where q.name = $1::text
            returning q.name, jsonb_strip_nulls(q.declared || q.changed) as settings
          ), ordered as (
            update ${schema}.queue_items i
            set level = ${schema}.queue_level(i.priority, changed.settings),
              rank = ${schema}.queue_rank(i.priority, i.enqueued_at, changed.settings),
              wait_until = ${changedWaitUntil(schema)}
            from changed
            where i.queue = changed.name and i.state in ('waiting', 'delayed') and (
              i.level <> ${schema}.queue_level(i.priority, changed.settings)
              or i.rank <> ${schema}.queue_rank(i.priority, i.enqueued_at, changed.settings)
              or i.wait_until is distinct from ${changedWaitUntil(schema)})
          )
          select name from changed`,
        values: [name, settings === null ? null : JSON.stringify(settings)],
      });
      return rows.length > 0;
    },

    async setPaused(name, paused) {
      const rows = await database.query({
        name: statementName('queues_set_paused'),
        text: `
          update ${schema}.queues set paused_at = case when $2::bool then coalesce(paused_at, clock_timestamp()) end
          where name = $1::text returning name`,
        values: [name, paused],
      });
      return rows.length > 0;
    },

    async enqueue(tx, runs, at, enclosed = []) {
      const count = runs.length === 1 ? 'one' : 'many';
      const source = `from ${rowsSource(queuedRunColumns, 1, count)}`;
      const parts = enqueueParts(schema, {
        source,
        at: `$${queuedRunColumns.length + 1}::int8`,
        onConflict: 'on conflict do nothing',
      });
      const rows = await tx.query<{ seed: string }>({
        name: statementName(`queues_enqueue_${count}`),
        text: `with ${parts.join(',\n')} select seed, ${notifying(channel, queuedRunColumns.length + 2)} from enqueued`,
        values: [...rowsParameters(queuedRunColumns, runs), at, { arrayOf: 'text', values: enclosed }],
      });
      return new Set(rows.map((row) => row.seed));
    },

    async enqueueUnique(tx, { run, deduplicationId, freesWhenTaken, putOffMaxMs, now: at }) {
      const next = queuedRunColumns.length + 1;
      const rows = await tx.query({
        name: statementName('queues_enqueue_unique'),
        text: enqueueUniqueText(schema, {
          source: `from ${rowsSource(queuedRunColumns, 1, 'one')}`,
          at: `$${next}::int8`,
          id: `$${next + 1}::text`,
          frees: `$${next + 2}::bool`,
          maxMs: `$${next + 3}::int8`,
        }),
        values: [...rowsParameters(queuedRunColumns, [run]), at, deduplicationId, freesWhenTaken, putOffMaxMs],
      });
      return rows.length > 0;
    },

    async findHolder(tx, queue, deduplicationId) {
      const [row] = await tx.query<{ workflow_id: string }>({
        name: statementName('queues_find_holder'),
        text: `select workflow_id from ${schema}.queue_items where queue = $1::text and deduplication_id = $2::text`,
        values: [queue, deduplicationId],
      });
      return row?.workflow_id ?? null;
    },

    async replaceHolder(tx, { run, deduplicationId, putOffMaxMs, now: at }) {
      const [row] = await tx.query<{ workflow_id: string }>({
        name: statementName('queues_replace_holder'),
        text: replaceHolderText(schema),
        values: [
          run.queue,
          deduplicationId,
          run.name,
          run.version,
          run.input,
          run.delayMs,
          putOffMaxMs !== null,
          at,
          run.context,
          run.fingerprint,
          run.attributes,
          run.trace,
        ],
      });
      return row?.workflow_id ?? null;
    },
  };
}

/** What has begun and waits again has no limit, and gets none. */
const changedWaitUntil = (schema: string): string => `
  case when i.wait_until is not null or changed.settings ->> 'maxWaitMs' is not null and exists (
    select from ${schema}.runs r where r.workflow_id = i.workflow_id and r.attempt = 0
  ) then ${waitUntil('i.run_at', 'changed.settings')} end`;

/**
 * One that runs gives up the id, so that the next try to enqueue succeeds. The item's new due time counts from now, but
 * never beyond what the first enqueuing set.
 */
const replaceHolderText = (schema: string): string => `
  with clock as materialized (
    select coalesce(to_timestamp($8::int8::float8 / 1000), clock_timestamp()) as now
  ), holder as materialized (
    select i.workflow_id, i.state, r.name = $3::text as is_same
    from ${schema}.queue_items i join ${schema}.runs r on r.workflow_id = i.workflow_id
    where i.queue = $1::text and i.deduplication_id = $2::text
    for update of i, r
  ), freed as (
    update ${schema}.queue_items i set deduplication_id = null from holder
    where i.workflow_id = holder.workflow_id and holder.state not in ('waiting', 'delayed')
  ), put_off as (
    update ${schema}.queue_items i
    set version = $4::text, run_at = case when $7::bool then due.at else i.run_at end,
      wait_until = case when $7::bool then ${waitUntil('due.at', 'due.settings')} else i.wait_until end,
      state = case when not $7::bool then i.state when due.at > clock.now then 'delayed' else 'waiting' end
    from holder cross join clock
    cross join lateral (
      select least(
        (select h.run_at_max from ${schema}.queue_items h where h.workflow_id = holder.workflow_id),
        clock.now + $6::int8 * interval '1 millisecond'
      ) as at, (select jsonb_strip_nulls(q.declared || q.changed) from ${schema}.queues q where q.name = $1::text) as settings
    ) due
    where i.workflow_id = holder.workflow_id and holder.state in ('waiting', 'delayed') and holder.is_same
  ), replaced as (
    update ${schema}.runs r
    set input = $5::text, version = $4::text, unchecked = $4::text = '', context = $9::text, fingerprint = $10::text,
      attributes = $11::jsonb, trace = $12::text
    from holder
    where r.workflow_id = holder.workflow_id and holder.state in ('waiting', 'delayed') and holder.is_same
    returning r.workflow_id
  )
  select workflow_id from replaced`;

interface QueueRow extends Record<string, unknown> {
  name: string;
  settings: string;
  is_paused: boolean;
  waiting: number;
  delayed: number;
  running: number;
  dead: number;
}
