import type { Database, Queryable } from '../database/database.js';
import type { StoredSchedule } from '../schedule/schedule-settings.js';
import type { EpochMs } from '../seams/clock.js';
import { fromMs, now, readMs, readMsOrNull, toMs } from './sql.js';

export type ScheduleOrigin = 'code' | 'runtime';

export interface ScheduleRecord {
  readonly name: string;
  readonly origin: ScheduleOrigin;
  readonly workflow: string;
  readonly settings: StoredSchedule;
  /** Encoded; for schedules that were made at run time. */
  readonly input: string | null;
  readonly isPaused: boolean;
  readonly nextSlotAt: EpochMs | null; // null = it has come to its end
  readonly nextFireAt: EpochMs | null; // null = it has come to its end
  readonly lastSlotAt: EpochMs | null; // null = it never fired
  readonly lastWorkflowId: string | null; // null = it never fired
  readonly fired: number;
  /** Slots that were too old when somebody came to fire them. */
  readonly missed: number;
  /** Slots that were left out because the run of an earlier one had not ended. */
  readonly skipped: number;
}

/** When a schedule fires after a slot. */
export interface NextFire {
  readonly slotAt: EpochMs | null; // null = never
  readonly fireAt: EpochMs | null; // null = never
}

export interface ScheduleStore {
  /** The time that everything here goes by. */
  now(tx: Queryable, now: EpochMs | null): Promise<EpochMs>;
  /** Those that fire soonest and that an executor with these schedules and workflows can fire, and the time. */
  upcoming(params: {
    readonly names: readonly string[];
    readonly workflows: readonly string[];
    /** Schedules that cannot fire just now. */
    readonly except: readonly string[];
    readonly max: number;
    readonly now: EpochMs | null;
  }): Promise<{ readonly now: EpochMs; readonly schedules: ScheduleRecord[] }>;
  /** All of them, or one. Locks it if it is read to be written. */
  list(tx: Queryable, name: string | null, lock: 'lock' | 'look'): Promise<ScheduleRecord[]>;
  /** Writes what a schedule is; what it has done stays. False if a new one is there already. */
  put(
    tx: Queryable,
    schedule: Pick<ScheduleRecord, 'name' | 'origin' | 'workflow' | 'settings' | 'input'>,
    next: NextFire,
    kind: 'new' | 'known',
  ): Promise<boolean>;
  /** Moves on from a slot, if nobody else has. `fired` is the run that it became, null for none. */
  advance(
    tx: Queryable,
    step: {
      readonly name: string;
      readonly slotAt: EpochMs;
      readonly next: NextFire;
      readonly fired: string | null;
      readonly missed: number;
      readonly skipped: number;
    },
  ): Promise<boolean>;
  /** `next` is when it fires after a pause. False if there is no such schedule. */
  setPaused(tx: Queryable, name: string, paused: boolean, next: NextFire): Promise<boolean>;
  remove(name: string): Promise<void>;
}

export function createScheduleStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
): ScheduleStore {
  return {
    async now(tx, at) {
      const [row] = await tx.query<{ now_ms: number }>({
        name: statementName('schedules_now'),
        text: `select ${toMs(now('$1::int8'))} as now_ms`,
        values: [at],
      });
      return readMs(row?.now_ms);
    },

    async upcoming({ names, workflows, except, max, now: at }) {
      const rows = await database.query<ScheduleRow & { now_ms: number; name: string | null }>({
        name: statementName('schedules_upcoming'),
        text: `
          select ${toMs('clock.now')} as now_ms, s.* from (select ${now('$1::int8')} as now) clock
          left join lateral (
            select ${scheduleColumns} from ${schema}.schedules s
            where s.paused_at is null and s.next_fire_at is not null and s.workflow = any($3::text[])
              and (s.origin = 'runtime' or s.name = any($2::text[])) and s.name <> all($5::text[])
            order by s.next_fire_at limit $4::int4
          ) s on true`,
        values: [
          at,
          { arrayOf: 'text', values: names },
          { arrayOf: 'text', values: workflows },
          max,
          { arrayOf: 'text', values: except },
        ],
      });
      return {
        now: readMs(rows[0]?.now_ms),
        schedules: rows.filter((row) => row.name !== null).map(toRecord),
      };
    },

    async list(tx, name, lock) {
      const rows = await tx.query<ScheduleRow>({
        name: statementName(`schedules_list_${lock}`),
        text: `
          select ${scheduleColumns} from ${schema}.schedules s where $1::text is null or s.name = $1::text
          order by s.name ${lock === 'lock' ? 'for update' : ''}`,
        values: [name],
      });
      return rows.map(toRecord);
    },

    async put(tx, { name, origin, workflow, settings, input }, { slotAt, fireAt }, kind) {
      const rows = await tx.query({
        name: statementName('schedules_put'),
        text: `
          insert into ${schema}.schedules (name, origin, workflow, settings, input, next_slot_at, next_fire_at)
          values ($1::text, $2::text, $3::text, $4::text::jsonb, $5::text, ${fromMs('$6::int8')}, ${fromMs('$7::int8')})
          on conflict (name) do update set origin = excluded.origin, workflow = excluded.workflow,
            settings = excluded.settings, input = excluded.input, next_slot_at = excluded.next_slot_at,
            next_fire_at = excluded.next_fire_at
          where $8::bool
          returning name`,
        values: [name, origin, workflow, JSON.stringify(settings), input, slotAt, fireAt, kind === 'known'],
      });
      return rows.length > 0;
    },

    async advance(tx, { name, slotAt, next, fired, missed, skipped }) {
      const rows = await tx.query({
        name: statementName('schedules_advance'),
        text: `
          update ${schema}.schedules
          set next_slot_at = ${fromMs('$3::int8')}, next_fire_at = ${fromMs('$4::int8')},
            last_slot_at = case when $5::text is null then last_slot_at else next_slot_at end,
            last_workflow_id = coalesce($5::text, last_workflow_id),
            fired = fired + case when $5::text is null then 0 else 1 end,
            missed = missed + $6::int4, skipped = skipped + $7::int4
          where name = $1::text and next_slot_at = ${fromMs('$2::int8')} and paused_at is null
          returning name`,
        values: [name, slotAt, next.slotAt, next.fireAt, fired, missed, skipped],
      });
      return rows.length > 0;
    },

    async setPaused(tx, name, paused, next) {
      const rows = await tx.query({
        name: statementName('schedules_set_paused'),
        text: `
          update ${schema}.schedules
          set paused_at = case when $2::bool then coalesce(paused_at, clock_timestamp()) end,
            next_slot_at = ${fromMs('$3::int8')}, next_fire_at = ${fromMs('$4::int8')}
          where name = $1::text returning name`,
        values: [name, paused, next.slotAt, next.fireAt],
      });
      return rows.length > 0;
    },

    async remove(name) {
      await database.query({
        name: statementName('schedules_remove'),
        text: `delete from ${schema}.schedules where name = $1::text`,
        values: [name],
      });
    },
  };
}

const scheduleColumns = `
  s.name, s.origin, s.workflow, s.settings::text as settings, s.input, s.paused_at is not null as is_paused,
  ${toMs('s.next_slot_at')} as next_slot_ms, ${toMs('s.next_fire_at')} as next_fire_ms,
  ${toMs('s.last_slot_at')} as last_slot_ms, s.last_workflow_id, s.fired, s.missed, s.skipped`;

interface ScheduleRow extends Record<string, unknown> {
  name: string | null;
  origin: ScheduleOrigin;
  workflow: string;
  settings: string;
  input: string | null;
  is_paused: boolean;
  next_slot_ms: number | null;
  next_fire_ms: number | null;
  last_slot_ms: number | null;
  last_workflow_id: string | null;
  fired: number;
  missed: number;
  skipped: number;
}

function toRecord(row: ScheduleRow): ScheduleRecord {
  return {
    name: row.name ?? '',
    origin: row.origin,
    workflow: row.workflow,
    settings: JSON.parse(row.settings) as StoredSchedule,
    input: row.input,
    isPaused: row.is_paused,
    nextSlotAt: readMsOrNull(row.next_slot_ms),
    nextFireAt: readMsOrNull(row.next_fire_ms),
    lastSlotAt: readMsOrNull(row.last_slot_ms),
    lastWorkflowId: row.last_workflow_id,
    fired: row.fired,
    missed: row.missed,
    skipped: row.skipped,
  };
}
