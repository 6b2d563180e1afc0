import type { Migration } from './migration.js';

/** Messages to runs. They stay when they are consumed: a message that is sent again under its key is found. */
export const messages: Migration = {
  version: 3,
  name: 'messages',
  sql: (schema) => `
create table ${schema}.messages (
  workflow_id text not null,
  topic text not null,
  no bigint generated always as identity,
  payload text,
  idempotency_key text not null,
  trace text, -- the span that sent it
  sent_at timestamptz not null,
  -- The try of the whole workflow that received it; a later try receives it again.
  consumed_in integer,
  consumed_by integer, -- the call that received it
  primary key (workflow_id, topic, no)
) with (fillfactor = 90);

create unique index messages_key on ${schema}.messages (workflow_id, idempotency_key);
`,
};
