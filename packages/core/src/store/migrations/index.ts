import { init } from './0001-init.js';
import { queues } from './0002-queues.js';
import { messages } from './0003-messages.js';
import { schedules } from './0004-schedules.js';
import { events } from './0005-events.js';
import { tokens } from './0006-tokens.js';
import { startContext } from './0007-start-context.js';
import { streams } from './0008-streams.js';
import { sqlFunctions } from './0009-sql-functions.js';
import { parking } from './0010-parking.js';
import { versions } from './0011-versions.js';
import type { Migration } from './migration.js';

/** All migrations, in the order in which they are applied. */
export const migrations: readonly Migration[] = [
  init,
  queues,
  messages,
  schedules,
  events,
  tokens,
  startContext,
  streams,
  sqlFunctions,
  parking,
  versions,
];
