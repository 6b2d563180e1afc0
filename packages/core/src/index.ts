export { PerdureClient } from './engine/client.js';
export { Perdure } from './engine/perdure.js';
export type { ClientOptions, LaunchOptions } from './engine/engine-options.js';
export type { Health, HealthProblem, HealthReason } from './engine/health.js';

export { workflow } from './workflow/workflow.js';
export type { BoundOptions, Workflow } from './workflow/workflow.js';
export type { WorkflowDefinition, WorkflowOptions } from './workflow/definition.js';
export type { ResultOptions, RunHandle, RunInfo, StartedRun, StartOptions } from './workflow/run-starter.js';
export type { Attributes, CrashRecord, RunStatus } from './store/records.js';

export type { RunAdmin, RunDetails } from './management/run-admin.js';
export type { RunChoice, RunFilter } from './management/run-filter.js';
export type { CountOptions, ListOptions, RunPage } from './management/listing.js';
export type { RunGroup, RunGrouping } from './store/run-listing.js';
export type { FailedTry, RecordedStep } from './management/steps.js';
export type { ChangeOptions, RunChanges } from './management/changes.js';
export type { Fork, ForkOptions, ForkPoint } from './management/forks.js';
export type { Pruned, PruneOptions, RetentionRule } from './management/retention.js';
export type { Explanation, WaitReason } from './management/explanation.js';
export type { ExportOptions, Imported, RunArchive } from './management/archives.js';
export type { TraceOptions } from './management/traces.js';
export type { OtlpTraces } from './tracing/otlp.js';
export type { ArchivedValue, Redaction } from './management/redaction.js';
export type { ArchivedRow, ArchivedRun } from './store/archives.js';
export type { AttributeChanges } from './workflow/attributes.js';

export { step } from './step/step.js';
export type { EnqueueableStep, Step } from './step/step.js';
export type {
  DefinedStepOptions,
  PreparedTransactionOptions,
  StepOptions,
  TransactionOptions,
} from './step/definition.js';
export type { RetryOptions } from './step/retry-policy.js';

export { queue } from './queue/queue.js';
export type { Enqueueable, EnqueueOptions, Queue } from './queue/queue.js';
export type { QueueChanges, QueueSettings, RateLimit } from './queue/queue-settings.js';
export type { DeduplicationPolicy, QueueingOptions } from './queue/queueing-options.js';
export type { QueueAdmin, QueueInfo } from './engine/queues.js';
export type {
  DeadLetter,
  DeadLetterAdmin,
  DeadLetterChoice,
  DeadLetterPage,
  RedriveOptions,
} from './engine/dead-letters.js';

export { schedule } from './schedule/schedule.js';
export type { Slot } from './schedule/schedule.js';
export type { OverlapPolicy, ScheduleOptions, ScheduleTiming } from './schedule/schedule-settings.js';
export type { ScheduledStart } from './schedule/scheduled-start.js';
export type { StrandedRuns, VersionAdmin, VersionInfo } from './engine/versions.js';
export type { CheckedRun, CheckOptions } from './engine/deploy-gate.js';
export type { NewSchedule, ScheduleAdmin, ScheduleInfo } from './engine/schedules.js';

export { getEvent, setEvent, watch } from './workflow/events.js';
export type { GetEventOptions, SetEventOptions, WatchOptions } from './workflow/events.js';
export { readStream, stream } from './workflow/streams.js';
export type {
  ReadStreamOptions,
  StreamItem,
  StreamOptions,
  StreamRollback,
  StreamValue,
  StreamWriter,
} from './workflow/streams.js';
export { select } from './workflow/select.js';
export type { Branches, Selected } from './workflow/select.js';
export { completeToken, createToken } from './workflow/tokens.js';
export type { CompleteOptions, Token } from './workflow/tokens.js';
export { receive, send } from './workflow/messages.js';
export type { ReceiveOptions, SendOptions } from './workflow/messages.js';

export type { Carried, Carrier } from './workflow/carriers.js';
export { deprecatePatch, patched } from './workflow/patches.js';
export { sleep } from './workflow/durable-sleep.js';
export { log } from './workflow/log.js';
export type { RunLog, WriteLine } from './workflow/log.js';
export { contextFormat, logContext } from './workflow/log-context.js';
export type { ContextFormat } from './workflow/log-context.js';
export { now, random, uuid } from './workflow/deterministic.js';
export { currentRun } from './workflow/current-run.js';
export type { CurrentRun } from './workflow/current-run.js';
export type { RunNaming, StepInfo } from './workflow/context.js';

export { embedded } from './database/embedded.js';
export { postgres } from './database/postgres.js';
export type {
  ArrayParameter,
  Database,
  IsolationLevel,
  Parameter,
  Queryable,
  Row,
  SharedTransaction,
  SharedTransactionOptions,
  Statement,
  Subscription,
  TransactionClient,
} from './database/database.js';
export type { EmbeddedOptions } from './database/embedded.js';
export type { PostgresOptions } from './database/postgres.js';
export { printMigrations } from './store/migrate.js';

export type { Duration } from './util/duration.js';
export type { Logger } from './seams/logger.js';
export type { ErrorClass } from './codec/codec.js';

export { PerdureError } from './errors/perdure-error.js';
export type { ErrorCode } from './errors/error-codes.js';
export {
  CancelledError,
  DatabaseUnavailableError,
  DuplicateWorkflowError,
  EngineStoppedError,
  InvalidArgumentError,
  InvalidInputError,
  InvariantError,
  NonRetryableError,
  NotLaunchedError,
  OverloadedError,
  PayloadTooLargeError,
  RunDeadError,
  RunNotFoundError,
  SchemaMissingError,
  SchemaTooNewError,
  StepTimeoutError,
  StoreRefusedError,
  UnreadablePayloadError,
  UnsupportedValueError,
  WorkflowConflictError,
  WorkflowTimeoutError,
} from './errors/errors.js';
export { CarrierError } from './errors/carrier-errors.js';
export { VersionNotFoundError } from './errors/version-errors.js';
export { ScheduleNotFoundError } from './errors/schedule-errors.js';
export {
  EventNotSetError,
  InvalidMessageError,
  ReceiveTimeoutError,
  RunFinishedError,
  TokenNotFoundError,
} from './errors/message-errors.js';
export { DuplicateItemError, QueueNotFoundError, QueueTimeoutError } from './errors/queue-errors.js';
export {
  DatabaseClosedError,
  DatabaseRefusedError,
  DeadlineError,
  DeletionRefusedError,
  FolderInUseError,
} from './errors/storage-errors.js';
