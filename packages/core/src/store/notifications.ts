import { createHash } from 'node:crypto';
import type { Database, Queryable, Subscription } from '../database/database.js';

/** A hint to other processes. Everything works without: whoever cares also looks for itself from time to time. */
export type Hint =
  | { readonly type: 'work' }
  /** Something about schedules has changed. */
  | { readonly type: 'schedules' }
  /** Another version of a workflow takes new work. */
  | { readonly type: 'versions' }
  /** Somebody cancelled runs: look which. */
  | { readonly type: 'cancel' }
  /** Somebody outside waits for these runs: tell when they finish. */
  | { readonly type: 'wanted'; readonly ids: readonly string[] }
  | { readonly type: 'finished'; readonly ids: readonly string[] }
  /** These runs have set events, or written to streams. */
  | { readonly type: 'event'; readonly ids: readonly string[] }
  /** There are messages for these runs. */
  | { readonly type: 'message'; readonly ids: readonly string[] };

export interface NotificationStore {
  /** Sends hints in a statement of their own: NOTIFY takes a global lock at commit, which a write would hold for longer. */
  notify(hints: readonly Hint[]): Promise<void>;
  /** Hints as what {@link notifying} sends. */
  enclosed(hints: readonly Hint[]): readonly string[];
  /** Makes hints part of a caller's transaction, whose end nobody else hears of. */
  notifyIn(tx: Queryable, hints: readonly Hint[]): Promise<void>;
  listen(onHint: (hint: Hint) => void, onGap: () => void): Promise<Subscription>;
}

/** Postgres refuses payloads of 8,000 bytes; ids beyond that are left to polling. */
const payloadBytesMax = 7_900;

/** A channel's name has 63 bytes at most, and a schema's name may take them all. */
export function channelOf(schemaName: string): string {
  return `perdure_${createHash('sha256').update(schemaName).digest('hex').slice(0, 16)}`;
}

/**
 * What in the select list of a write notifies with it, once however many rows there are.
 *
 * @param parameter the position of the payloads, of which there may be none; where nothing is selected, none is sent
 */
export const notifying = (channel: string, parameter: number): string =>
  `(select count(pg_notify('${channel}', payload)::text) from unnest($${parameter}::text[]) as hint(payload))`;

export function createNotificationStore(
  database: Database,
  channel: string,
  statementName: (name: string) => string,
): NotificationStore {
  return {
    notify: (hints) => send(database, hints),
    notifyIn: send,
    enclosed: payloadsOf,

    listen(onHint, onGap) {
      return database.listen(
        channel,
        (payload) => {
          const hint = parseHint(payload);
          if (hint !== null) onHint(hint);
        },
        onGap,
      );
    },
  };

  async function send(queryable: Queryable, hints: readonly Hint[]): Promise<void> {
    const payloads = payloadsOf(hints);
    if (payloads.length === 0) return;
    await queryable.query({
      name: statementName('notifications_notify'),
      text: 'select pg_notify($1::text, payload)::text from unnest($2::text[]) as item(payload)',
      values: [channel, { arrayOf: 'text', values: payloads }],
    });
  }
}

const payloadsOf = (hints: readonly Hint[]): string[] =>
  hints.map((hint) => JSON.stringify(hint)).filter((text) => Buffer.byteLength(text) < payloadBytesMax);

/** For an engine that neither sends nor hears hints. */
export const noNotifications: NotificationStore = {
  async notify() {},
  async notifyIn() {},
  enclosed: () => [],
  async listen() {
    return { isDeaf: false, async unsubscribe() {} };
  },
};

/** Anybody who may connect can NOTIFY: what isn't a hint is ignored. */
function parseHint(payload: string): Hint | null {
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || !('type' in value)) return null;
  if (value.type === 'work' || value.type === 'schedules' || value.type === 'versions' || value.type === 'cancel')
    return { type: value.type };
  const { type } = value;
  if (type !== 'wanted' && type !== 'finished' && type !== 'message' && type !== 'event') return null;
  if (!('ids' in value) || !Array.isArray(value.ids)) return null;
  return { type, ids: value.ids.filter((id): id is string => typeof id === 'string') };
}
