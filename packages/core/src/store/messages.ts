import type { Database, Queryable } from '../database/database.js';
import type { EpochMs } from '../seams/clock.js';
import { notifying } from './notifications.js';
import { type Column, now, rowsParameters, rowsSource } from './sql.js';

export interface NewMessage {
  readonly workflowId: string;
  readonly topic: string;
  readonly payload: string | null;
  /** Unique among the messages to this run: sent again under the same key, it is the same message. */
  readonly idempotencyKey: string;
  /** The span that sends it; null = none. */
  readonly trace: string | null;
}

/**
 * `woken`: it was sent, and the run, which was parked, is to be claimed; `repeated`: it was there already. The run may be
 * `finished`, and then nobody will receive it; or not be there at all.
 */
export type SendVerdict = 'sent' | 'woken' | 'repeated' | 'finished' | 'unknown';

/** A run that waits for messages of a topic. */
export interface Waiting {
  readonly workflowId: string;
  readonly topic: string;
  /** How often the whole workflow was retried. */
  readonly retries: number;
  /** How many messages it could take at most. */
  readonly count: number;
}

export interface Message {
  readonly workflowId: string;
  readonly topic: string;
  /** Its place among the messages to this run: they are received in this order. */
  readonly no: number;
  readonly payload: string | null;
  /** The span that sent it; null = none. */
  readonly trace: string | null;
}

export interface MessageStore {
  /**
   * Stores messages in this order; answers for each.
   *
   * @param enclosed hints that are sent with them
   */
  send(
    tx: Queryable,
    messages: readonly NewMessage[],
    now: EpochMs | null,
    enclosed?: readonly string[],
  ): Promise<SendVerdict[]>;
  /** The oldest messages that are not consumed, for each who waits, in one query. */
  find(waiting: readonly Waiting[]): Promise<Message[]>;
}

export function createMessageStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
  channel: string,
): MessageStore {
  return {
    async send(tx, messages, at, enclosed = []) {
      const rows = await tx.query<{ verdict: SendVerdict }>({
        name: statementName(`messages_send_${messages.length === 1 ? 'one' : 'many'}`),
        text: sendText(schema, {
          source: `from ${rowsSource(messageColumns, 1, messages.length === 1 ? 'one' : 'many')}`,
          at: now(`$${messageColumns.length + 1}::int8`),
          more: `, ${notifying(channel, messageColumns.length + 2)}`,
        }),
        values: [...rowsParameters(messageColumns, messages), at, { arrayOf: 'text', values: enclosed }],
      });
      return rows.map((row) => row.verdict);
    },

    async find(waiting) {
      const rows = await database.query<MessageRow>({
        name: statementName('messages_find'),
        text: `
          select w.workflow_id, w.topic, m.no::float8 as no, m.payload, m.trace
          from unnest($1::text[], $2::text[], $3::int4[], $4::int4[]) as w(workflow_id, topic, retries, count)
          cross join lateral (
            select m.no, m.payload, m.trace from ${schema}.messages m
            where m.workflow_id = w.workflow_id and m.topic = w.topic and coalesce(m.consumed_in, -1) < w.retries
            order by m.no limit w.count
          ) m order by m.no`,
        values: [
          { arrayOf: 'text', values: waiting.map(({ workflowId }) => workflowId) },
          { arrayOf: 'text', values: waiting.map(({ topic }) => topic) },
          { arrayOf: 'int4', values: waiting.map(({ retries }) => retries) },
          { arrayOf: 'int4', values: waiting.map(({ count }) => count) },
        ],
      });
      return rows.map((row) => ({
        workflowId: row.workflow_id,
        topic: row.topic,
        no: Number(row.no),
        payload: row.payload,
        trace: row.trace,
      }));
    },
  };
}

const messageColumns: readonly Column<NewMessage>[] = [
  { name: 'workflow_id', type: 'text', value: (message) => message.workflowId },
  { name: 'topic', type: 'text', value: (message) => message.topic },
  { name: 'payload', type: 'text', value: (message) => message.payload },
  { name: 'idempotency_key', type: 'text', value: (message) => message.idempotencyKey },
  { name: 'trace', type: 'text', value: (message) => message.trace },
];

/**
 * Each row's number is taken when it is inserted, in the order given. That somebody else sends to the same run at the same
 * time decides nothing: only what one sender sends, one after the other, has an order.
 *
 * A run that parks at the same time holds its row until it is parked: hence the lock, and the state as it is then.
 *
 * @param source a FROM clause whose `item` has the columns of {@link NewMessage}
 * @param at the time, as an expression
 * @param more what else is selected
 */
export const sendText = (
  schema: string,
  { source, at, more = '' }: { readonly source: string; readonly at: string; readonly more?: string },
): string => `
  with given as materialized (
    select item.*, row_number() over () as given_no ${source}
  ), destinations as materialized (
    select r.workflow_id, r.state, r.wake_on from ${schema}.runs r
    where r.workflow_id in (select workflow_id from given) order by r.workflow_id for key share
  ), judged as materialized (
    select given.*, case
      when r.workflow_id is null then 'unknown'
      when exists (
        select 1 from ${schema}.messages m
        where m.workflow_id = given.workflow_id and m.idempotency_key = given.idempotency_key
      ) then 'repeated'
      when r.state = 'settled' or exists (
        select 1 from ${schema}.outcomes o where o.workflow_id = given.workflow_id
      ) then 'finished'
      else 'sent' end as verdict
    from given left join destinations r on r.workflow_id = given.workflow_id
  ), sent as (
    insert into ${schema}.messages (workflow_id, topic, payload, idempotency_key, trace, sent_at)
    select workflow_id, topic, payload, idempotency_key, trace, ${at}
    from judged where verdict = 'sent' order by given_no
    on conflict (workflow_id, idempotency_key) do nothing
  ), woken as (
    update ${schema}.runs r set state = 'available', available_at = ${at}, wake_on = '{}'
    from (
      select distinct d.workflow_id from destinations d join judged j on j.workflow_id = d.workflow_id
      where d.state = 'parked' and j.verdict = 'sent' and 'topic:' || j.topic = any(d.wake_on)
    ) destination
    where r.workflow_id = destination.workflow_id
    returning r.workflow_id
  )
  select case when verdict = 'sent' and workflow_id in (select workflow_id from woken) then 'woken' else verdict end as verdict${more}
  from judged order by given_no`;

interface MessageRow extends Record<string, unknown> {
  workflow_id: string;
  topic: string;
  no: number;
  payload: string | null;
  trace: string | null;
}
