import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describeIssue } from './issues.js';
import { PerdureError } from './perdure-error.js';

/** A workflow id was started again, but with another input or for another workflow. */
export class WorkflowConflictError extends PerdureError {
  static readonly code = 'PERDURE_WORKFLOW_CONFLICT';
  override readonly name: string = 'WorkflowConflictError';

  constructor(
    workflowId: string,
    difference:
      | { readonly reason: 'input' | 'fingerprint' }
      | { readonly reason: 'workflow' | 'fork'; readonly existing: string; readonly given: string },
  ) {
    const what =
      difference.reason === 'workflow'
        ? `as workflow "${difference.existing}", not "${difference.given}"`
        : difference.reason === 'fork'
          ? `as ${difference.existing}, not ${difference.given}`
          : `with another ${difference.reason}`;
    super(
      WorkflowConflictError.code,
      `Run "${workflowId}" exists already, ${what}. Use another workflowId for other work, or the same input to get the same run.`,
      { data: { workflowId, ...difference } },
    );
  }
}

/** Two different functions were defined as workflows of one name. */
export class DuplicateWorkflowError extends PerdureError {
  static readonly code = 'PERDURE_WORKFLOW_DUPLICATE';
  override readonly name: string = 'DuplicateWorkflowError';

  constructor(name: string, firstAt: string, secondAt: string) {
    super(
      DuplicateWorkflowError.code,
      `Workflow "${name}" is defined twice: at ${firstAt} and at ${secondAt}. Give one of them another name.`,
      { data: { name, firstAt, secondAt } },
    );
  }
}

/** No run has this workflow id. */
export class RunNotFoundError extends PerdureError {
  static readonly code = 'PERDURE_RUN_NOT_FOUND';
  override readonly name: string = 'RunNotFoundError';

  constructor(workflowId: string) {
    super(
      RunNotFoundError.code,
      `There is no run "${workflowId}". Check the id, and that both sides use the same database and schema.`,
      { data: { workflowId } },
    );
  }
}

/** The run was cancelled. */
export class CancelledError extends PerdureError {
  static readonly code = 'PERDURE_CANCELLED';
  override readonly name: string = 'CancelledError';

  constructor(workflowId: string) {
    super(
      CancelledError.code,
      `Run "${workflowId}" was cancelled. Start it under another workflowId to run it again.`,
      {
        data: { workflowId },
      },
    );
  }
}

/** The run did not complete by its deadline. */
export class WorkflowTimeoutError extends PerdureError {
  static readonly code = 'PERDURE_WORKFLOW_TIMEOUT';
  override readonly name: string = 'WorkflowTimeoutError';

  constructor(workflowId: string, deadlineAt: number) {
    super(
      WorkflowTimeoutError.code,
      `Run "${workflowId}" did not complete by ${new Date(deadlineAt).toISOString()}. Raise its timeout, or see which step took the time.`,
      { data: { workflowId, deadlineAt } },
    );
  }
}

/** One try of a step took longer than its timeout. */
export class StepTimeoutError extends PerdureError {
  static readonly code = 'PERDURE_STEP_TIMEOUT';
  override readonly name: string = 'StepTimeoutError';

  constructor(stepName: string, timeoutMs: number) {
    super(
      StepTimeoutError.code,
      `Step "${stepName}" took longer than ${timeoutMs} ms. Raise its timeout, and pass currentRun().signal on so that the work stops.`,
      { data: { stepName, timeoutMs } },
    );
  }
}

/** Processes died under the run again and again, without any progress in between. */
export class RunDeadError extends PerdureError {
  static readonly code = 'PERDURE_RUN_DEAD';
  override readonly name: string = 'RunDeadError';

  constructor(crashesMax: number) {
    super(
      RunDeadError.code,
      `More than ${crashesMax} processes in a row died while they executed this run, and it made no progress. ` +
        'See status().crashes for when, and the logs of those processes for why.',
      { data: { crashesMax } },
    );
  }
}

/** A value is larger than what may be stored. */
export class PayloadTooLargeError extends PerdureError {
  static readonly code = 'PERDURE_PAYLOAD_TOO_LARGE';
  override readonly name: string = 'PayloadTooLargeError';

  /** @param bytes what the value takes; at least that much, where it was refused before it was encoded whole */
  constructor(bytes: number, bytesMax: number) {
    super(
      PayloadTooLargeError.code,
      `The value takes at least ${bytes} bytes encoded, and at most ${bytesMax} are stored. Store it elsewhere and pass a reference, or raise maxPayloadBytes.`,
      { data: { bytes, bytesMax } },
    );
  }
}

/** A value cannot be stored at all. */
export class UnsupportedValueError extends PerdureError {
  static readonly code = 'PERDURE_UNSUPPORTED_VALUE';
  override readonly name: string = 'UnsupportedValueError';

  constructor(path: string, type: string, cause?: unknown) {
    super(
      UnsupportedValueError.code,
      `${path} is ${type}, which cannot be stored. Return plain data from steps and workflows, and pass plain data in.`,
      { data: { path, type }, cause },
    );
  }
}

/** A stored value cannot be read. */
export class UnreadablePayloadError extends PerdureError {
  static readonly code = 'PERDURE_UNREADABLE_PAYLOAD';
  override readonly name: string = 'UnreadablePayloadError';

  constructor(cause: unknown) {
    super(
      UnreadablePayloadError.code,
      'A stored value could not be decoded. It was written by a newer version of this package, or changed by hand.',
      { cause },
    );
  }
}

/** The input does not satisfy the workflow's schema. */
export class InvalidInputError extends PerdureError {
  static readonly code = 'PERDURE_INVALID_INPUT';
  override readonly name: string = 'InvalidInputError';

  readonly issues: readonly StandardSchemaV1.Issue[];

  constructor(workflowName: string, issues: readonly StandardSchemaV1.Issue[]) {
    const list = issues.slice(0, 5).map(describeIssue);
    super(InvalidInputError.code, `The input of workflow "${workflowName}" is not valid: ${list.join('; ')}.`, {
      data: { workflowName },
    });
    this.issues = issues;
  }
}

/** An option, a name or an id doesn't hold. */
export class InvalidArgumentError extends PerdureError {
  static readonly code = 'PERDURE_INVALID_ARGUMENT';
  override readonly name: string = 'InvalidArgumentError';

  constructor(message: string, data: Readonly<Record<string, unknown>> = {}) {
    super(InvalidArgumentError.code, message, { data });
  }
}

/** A workflow was started, but this process has no engine. */
export class NotLaunchedError extends PerdureError {
  static readonly code = 'PERDURE_NOT_LAUNCHED';
  override readonly name: string = 'NotLaunchedError';

  constructor() {
    super(
      NotLaunchedError.code,
      'No engine is launched in this process. Call `await Perdure.launch()` before the first workflow is started.',
    );
  }
}

/** The database does not keep up, and so much waits for it already that this start was refused. Nothing was stored. */
export class OverloadedError extends PerdureError {
  static readonly code = 'PERDURE_OVERLOADED';
  override readonly name: string = 'OverloadedError';

  constructor(backlogBytes: number) {
    super(
      OverloadedError.code,
      `${backlogBytes} bytes wait to be written, and the database does not keep up. Start it again later (over HTTP: 503 with Retry-After); see health() for why.`,
      { data: { backlogBytes } },
    );
  }
}

/** The engine shut down while somebody waited for it. The run is not affected. */
export class EngineStoppedError extends PerdureError {
  static readonly code = 'PERDURE_ENGINE_STOPPED';
  override readonly name: string = 'EngineStoppedError';

  constructor(workflowId: string | null) {
    super(
      EngineStoppedError.code,
      `This engine has been shut down. ${workflowId === null ? 'Runs' : `Run "${workflowId}"`} that were started go on in other processes; ask there by workflowId.`,
      { data: { workflowId } },
    );
  }
}

/** Why a database cannot be used for the time being. */
export type UnavailableReason = 'unreachable' | 'read-only' | 'full' | 'exhausted';

const unavailableAdvice: Record<UnavailableReason, string> = {
  unreachable:
    'The database could not be reached. Check that it is running and that databaseUrl (DATABASE_URL) points to it, then launch again.',
  'read-only':
    'The database takes no writes: it is a standby, or set to be read-only. Point databaseUrl (DATABASE_URL) to the primary, then launch again.',
  full: 'The database has no connection left. Close some, raise max_connections or the limit of the role, or lower poolSize, then launch again.',
  exhausted: 'The server has no disk space or no memory left. Give it more, then launch again.',
};

/** The database could not be reached or used when the engine was launched; later it may. */
export class DatabaseUnavailableError extends PerdureError {
  static readonly code = 'PERDURE_DATABASE_UNAVAILABLE';
  override readonly name: string = 'DatabaseUnavailableError';

  constructor(cause: unknown, reason: UnavailableReason = 'unreachable') {
    super(DatabaseUnavailableError.code, unavailableAdvice[reason], { cause, data: { reason } });
  }
}

/** The schema is missing or older than this version needs, and `migrate` is false. */
export class SchemaMissingError extends PerdureError {
  static readonly code = 'PERDURE_SCHEMA_MISSING';
  override readonly name: string = 'SchemaMissingError';

  constructor(schema: string, found: number, needed: number) {
    super(
      SchemaMissingError.code,
      `Schema "${schema}" is at version ${found}, and this package needs ${needed}. Launch once with a role that may create tables, or run the output of printMigrations().`,
      { data: { schema, found, needed } },
    );
  }
}

/** The schema was migrated by a newer version of this package. */
export class SchemaTooNewError extends PerdureError {
  static readonly code = 'PERDURE_SCHEMA_TOO_NEW';
  override readonly name: string = 'SchemaTooNewError';

  constructor(schema: string, found: number, known: number) {
    super(
      SchemaTooNewError.code,
      `Schema "${schema}" is at version ${found}, and this package knows only ${known}. Upgrade @perdure/core in this application.`,
      { data: { schema, found, known } },
    );
  }
}

/**
 * Throw it in a step to fail at once, whatever the step's retries are. The reason goes into `cause`.
 *
 * @example
 * if (card.expired) throw new NonRetryableError('the card has expired', { cause: response });
 */
export class NonRetryableError extends PerdureError {
  static readonly code = 'PERDURE_NON_RETRYABLE';
  override readonly name: string = 'NonRetryableError';

  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(NonRetryableError.code, message, options);
  }
}

/** The database will never store something that it was given, such as a deadline beyond what it can express. */
export class StoreRefusedError extends PerdureError {
  static readonly code = 'PERDURE_STORE_REFUSED';
  override readonly name: string = 'StoreRefusedError';

  constructor(cause: unknown) {
    super(
      StoreRefusedError.code,
      'The database refused a value. The cause says which one and why; change it and start again.',
      {
        cause,
      },
    );
  }
}

/** Something that cannot be, is: a bug in this package. */
export class InvariantError extends PerdureError {
  static readonly code = 'PERDURE_INVARIANT';
  override readonly name: string = 'InvariantError';

  constructor(message: string) {
    super(InvariantError.code, `${message}. This is a bug in Perdure; please report it.`);
  }
}
