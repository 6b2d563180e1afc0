import { createHash } from 'node:crypto';
import type { Database } from '../database/database.js';
import { quoteIdentifier } from '../database/identifier.js';
import { type ArchiveStore, createArchiveStore } from './archives.js';
import { type ClaimStore, createClaimStore } from './claims.js';
import { createDeadLetterStore, type DeadLetterStore } from './dead-letters.js';
import { createEventStore, type EventStore } from './events.js';
import { createExecutorStore, type ExecutorStore } from './executors.js';
import { createExplanationStore, type ExplanationStore } from './explanations.js';
import { createFlushStore, type FlushStore } from './flush.js';
import { createForkStore, type ForkStore } from './forks.js';
import { createMessageStore, type MessageStore } from './messages.js';
import { channelOf, createNotificationStore, type NotificationStore } from './notifications.js';
import { createOwnershipStore, type OwnershipStore } from './ownership.js';
import { createParkingStore, type ParkingStore } from './parking.js';
import { createQueueStore, type QueueStore } from './queues.js';
import { createRunChangeStore, type RunChangeStore } from './run-changes.js';
import { createRunListingStore, type RunListingStore } from './run-listing.js';
import { createRunRemovalStore, type RunRemovalStore } from './run-removal.js';
import { createRunStore, type RunStore } from './runs.js';
import { createScheduleStore, type ScheduleStore } from './schedules.js';
import { createStreamStore, type StreamStore } from './streams.js';
import { createTokenStore, type TokenStore } from './tokens.js';
import { createTransactionStore, type TransactionStore } from './transactions.js';
import { createUnfinishedRunStore, type UnfinishedRunStore } from './unfinished-runs.js';
import { createVersionStore, type VersionStore } from './versions.js';
import { createVitalsStore, type VitalsStore } from './vitals.js';

/**
 * Everything that is durable, one role for each noun. Values are encoded text: the store never sees a user's object.
 * Every method is one statement that may be sent twice.
 */
export interface Store {
  readonly flush: FlushStore;
  readonly runs: RunStore;
  readonly runListing: RunListingStore;
  readonly runChanges: RunChangeStore;
  readonly runRemoval: RunRemovalStore;
  readonly forks: ForkStore;
  readonly explanations: ExplanationStore;
  readonly archives: ArchiveStore;
  readonly transactions: TransactionStore;
  readonly claims: ClaimStore;
  readonly ownership: OwnershipStore;
  readonly executors: ExecutorStore;
  readonly parking: ParkingStore;
  readonly queues: QueueStore;
  readonly deadLetters: DeadLetterStore;
  readonly messages: MessageStore;
  readonly tokens: TokenStore;
  readonly events: EventStore;
  readonly streams: StreamStore;
  readonly schedules: ScheduleStore;
  readonly versions: VersionStore;
  readonly unfinishedRuns: UnfinishedRunStore;
  readonly notifications: NotificationStore;
  readonly vitals: VitalsStore;
}

/** The one SQL implementation, over any {@link Database}. */
export function createStore(database: Database, schemaName: string): Store {
  const schema = quoteIdentifier(schemaName);
  // A prepared statement's name stands for one text, and the text contains the schema.
  const tag = createHash('sha256').update(schemaName).digest('hex').slice(0, 8);
  const statementName = (name: string): string => `perdure_${tag}_${name}`;
  const channel = channelOf(schemaName);
  return {
    flush: createFlushStore(database, schema, statementName, channel),
    runs: createRunStore(database, schema, statementName, channel),
    runListing: createRunListingStore(database, schema, statementName),
    runChanges: createRunChangeStore(database, schema, statementName),
    runRemoval: createRunRemovalStore(database, schema, statementName),
    forks: createForkStore(database, schema, statementName),
    explanations: createExplanationStore(database, schema, statementName),
    archives: createArchiveStore(database, schema, statementName),
    transactions: createTransactionStore(database, schema, statementName),
    claims: createClaimStore(database, schema, statementName),
    ownership: createOwnershipStore(database, schema, statementName),
    executors: createExecutorStore(database, schema, statementName),
    tokens: createTokenStore(schema, statementName),
    events: createEventStore(database, schema, statementName),
    streams: createStreamStore(database, schema, statementName),
    schedules: createScheduleStore(database, schema, statementName),
    messages: createMessageStore(database, schema, statementName, channel),
    parking: createParkingStore(database, schema, statementName),
    queues: createQueueStore(database, schema, statementName, channel),
    deadLetters: createDeadLetterStore(database, schema, statementName),
    versions: createVersionStore(database, schema, statementName),
    unfinishedRuns: createUnfinishedRunStore(database, schema, statementName),
    notifications: createNotificationStore(database, channel, statementName),
    vitals: createVitalsStore(database, schema, statementName),
  };
}
