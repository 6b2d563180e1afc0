import type { Database } from '../database/database.js';
import type { EpochMs } from '../seams/clock.js';
import { waitUntil } from './queue-items.js';
import { now, fromMs } from './sql.js';

/** What a fork takes over from its source where nothing else is said. */
export interface ForkSource {
  readonly name: string;
  readonly version: string;
  readonly queue: string | null; // null = it was started, not enqueued
  readonly key: string;
  readonly priority: number;
  readonly units: number;
  /** What is stored of its trace; null = nothing. */
  readonly trace: string | null;
}

export interface NewFork {
  readonly sourceId: string;
  readonly workflowId: string;
  /** The first durable call that the fork makes by itself. */
  readonly step: number;
  readonly version: string; // '' = that of the first process to take it
  readonly deadlineAt: EpochMs | null; // null = none
  /** JSON; null = that of the source. */
  readonly attributes: string | null;
  readonly queue: string | null; // null = it begins at once
  readonly key: string;
  readonly priority: number;
  readonly units: number;
  readonly now: EpochMs | null; // null = the database's clock
}

/** What has the id of a fork. */
export interface ForkOrigin {
  readonly forkedFrom: string | null; // null = it is no fork
  readonly step: number | null;
}

export interface ForkStore {
  findSource(workflowId: string): Promise<ForkSource | null>;
  /** Makes a run with the history of another one up to a call, unless its id is taken. */
  fork(fork: NewFork): Promise<void>;
  findOrigin(workflowId: string): Promise<ForkOrigin | null>;
}

export function createForkStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
): ForkStore {
  return {
    async findSource(workflowId) {
      const [row] = await database.query<SourceRow>({
        name: statementName('forks_find_source'),
        text: `
          select name, version, queue, coalesce(queueing ->> 'key', '') as key,
            coalesce((queueing ->> 'priority')::int4, 0) as priority, coalesce((queueing ->> 'units')::int4, 1) as units, trace
          from ${schema}.runs where workflow_id = $1::text`,
        values: [workflowId],
      });
      return row ?? null;
    },

    async fork(fork) {
      await database.query({
        name: statementName('forks_fork'),
        text: forkText(schema),
        values: [
          fork.sourceId,
          fork.workflowId,
          fork.step,
          fork.version,
          fork.deadlineAt,
          fork.attributes,
          fork.queue,
          fork.key,
          fork.priority,
          fork.units,
          fork.now,
        ],
      });
    },

    async findOrigin(workflowId) {
      const [row] = await database.query<{ forked_from: string | null; forked_at: number | null }>({
        name: statementName('forks_find_origin'),
        text: `select forked_from, forked_at from ${schema}.runs where workflow_id = $1::text`,
        values: [workflowId],
      });
      return row === undefined ? null : { forkedFrom: row.forked_from, step: row.forked_at };
    },
  };
}

/**
 * Calls have their numbers in the order in which the workflow made them, and a call is made in consequence of results of
 * earlier calls only. So what belongs to calls before the chosen one, in its recorded order, is a history that the workflow can
 * have had: the chosen call and those after it had no part in it. The seed is the source's, because what was drawn from it is.
 *
 * An interruption stays only where a result that stays came after it, and the new way at a patch where nothing that goes came
 * before: the workflow asked in consequence of what came before. A message that was received by a call that stays is
 * consumed; the others are there to be received again.
 */
const forkText = (schema: string): string => `
  with clock as materialized (
    select ${now('$11::int8')} as now
  ), epoch as materialized (
    select coalesce(max(position), -1) as began_at, count(*)::int4 as retries
    from ${schema}.checkpoints where workflow_id = $1::text and kind = 'retry' and $3::int4 > 0
  ), history as materialized (
    select c.*, c.position <= epoch.began_at or c.seq between 0 and $3::int4 - 1
      or c.seq = -1 and c.kind <> 'patch' and exists (
        select 1 from ${schema}.checkpoints later
        where later.workflow_id = $1::text and later.position > c.position and later.seq between 0 and $3::int4 - 1
          and later.kind not in ('attempt', 'timer', 'wait')
      ) as stays
    from ${schema}.checkpoints c cross join epoch where c.workflow_id = $1::text and $3::int4 > 0
  ), kept as materialized (
    select h.*, row_number() over (order by h.position) - 1 as place
    from (
      select history.*, bool_and(stays or kind in ('patch', 'attempt', 'timer', 'wait')) over (order by position) as is_whole
      from history
    ) h where h.stays or h.kind = 'patch' and h.is_whole
  ), forked as (
    insert into ${schema}.runs (
      workflow_id, name, version, input, unchecked, detached, seed, created_at, deadline_at, context, attributes,
      forked_from, forked_at, queue, queueing, state, attempt, available_at, retries_due
    )
    select $2::text, r.name, $4::text, r.input, r.unchecked, false, r.seed, clock.now, ${fromMs('$5::int8')}, r.context,
      coalesce($6::jsonb, r.attributes), $1::text, $3::int4, $7::text,
      case when $7::text is not null then jsonb_build_object('key', $8::text, 'priority', $9::int4, 'units', $10::int4) end,
      case when $7::text is null then 'available' else 'queued' end, 0,
      case when $7::text is null then clock.now end, epoch.retries
    from ${schema}.runs r cross join clock cross join epoch where r.workflow_id = $1::text
    on conflict do nothing returning workflow_id, name, version
  ), item as (
    insert into ${schema}.queue_items (
      workflow_id, name, version, queue, key, priority, units, state, enqueued_at, run_at, wait_until, level, rank
    )
    select forked.workflow_id, forked.name, forked.version, $7::text, $8::text, $9::int4, $10::int4, 'waiting', clock.now, clock.now,
      ${waitUntil('clock.now', 'q.settings')},
      ${schema}.queue_level($9::int4, q.settings), ${schema}.queue_rank($9::int4, clock.now, q.settings)
    from forked cross join clock left join lateral (
      select jsonb_strip_nulls(q.declared || q.changed) as settings from ${schema}.queues q where q.name = $7::text
    ) q on true where $7::text is not null
  ), checkpoints as (
    insert into ${schema}.checkpoints (
      workflow_id, position, seq, kind, name, payload, failed, started_at, finished_at, attempt
    )
    select forked.workflow_id, kept.place, kept.seq, kept.kind, kept.name, kept.payload, kept.failed, kept.started_at,
      kept.finished_at, kept.attempt
    from kept cross join forked
  ), transactions as (
    insert into ${schema}.transactions (workflow_id, retries, seq, name, payload, started_at, finished_at, attempt)
    select forked.workflow_id, t.retries, t.seq, t.name, t.payload, t.started_at, t.finished_at, t.attempt
    from ${schema}.transactions t cross join forked cross join epoch
    where t.workflow_id = $1::text and t.retries = epoch.retries and t.seq < $3::int4
  ), messages as (
    insert into ${schema}.messages (workflow_id, topic, payload, idempotency_key, trace, sent_at, consumed_in, consumed_by)
    select forked.workflow_id, m.topic, m.payload, m.idempotency_key, m.trace, m.sent_at,
      case when $3::int4 = 0 then null when m.consumed_in < epoch.retries or m.consumed_by < $3::int4 then m.consumed_in
        else nullif(least(m.consumed_in, epoch.retries - 1), -1) end,
      m.consumed_by
    from ${schema}.messages m cross join forked cross join epoch where m.workflow_id = $1::text order by m.no
  )
  insert into ${schema}.streams (workflow_id, name, no, kind, seq, call, payload)
  select forked.workflow_id, s.name, s.no, s.kind, s.seq, s.call, s.payload
  from ${schema}.streams s cross join forked
  where s.workflow_id = $1::text and s.kind in ('value', 'close') and s.call between 0 and $3::int4 - 1`;

interface SourceRow extends ForkSource, Record<string, unknown> {}
