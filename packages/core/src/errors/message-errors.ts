import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describeIssue } from './issues.js';
import { PerdureError } from './perdure-error.js';

/** No message came in time. */
export class ReceiveTimeoutError extends PerdureError {
  static readonly code = 'PERDURE_RECEIVE_TIMEOUT';
  override readonly name: string = 'ReceiveTimeoutError';

  constructor(workflowId: string, kind: 'topic' | 'token', name: string, timeoutMs: number) {
    super(
      ReceiveTimeoutError.code,
      `Run "${workflowId}" got no message of ${kind} "${name}" within ${timeoutMs} ms. Catch this where going on without one makes sense.`,
      { data: { workflowId, [kind]: name, timeoutMs } },
    );
  }
}

/** The run has ended, and nobody would get the message. */
export class RunFinishedError extends PerdureError {
  static readonly code = 'PERDURE_RUN_FINISHED';
  override readonly name: string = 'RunFinishedError';

  constructor(workflowId: string) {
    super(
      RunFinishedError.code,
      `Run "${workflowId}" has ended, so nobody would get the message. Look at its status, or start another run.`,
      { data: { workflowId } },
    );
  }
}

/** No run has made this token. */
export class TokenNotFoundError extends PerdureError {
  static readonly code = 'PERDURE_TOKEN_NOT_FOUND';
  override readonly name: string = 'TokenNotFoundError';

  constructor() {
    super(
      TokenNotFoundError.code,
      'No run has made this token. Check that all of it was passed on, and that it is the same database and schema.',
      { data: {} },
    );
  }
}

/** A message, or a value of a stream, does not fit its schema. */
export class InvalidMessageError extends PerdureError {
  static readonly code = 'PERDURE_INVALID_MESSAGE';
  override readonly name: string = 'InvalidMessageError';

  constructor(what: string, issues: readonly StandardSchemaV1.Issue[]) {
    const list = issues.slice(0, 5).map(describeIssue);
    super(InvalidMessageError.code, `${what} is not valid: ${list.join('; ')}.`, { data: { issues: list } });
  }
}

/** The run has not set the event: in time, or at all. */
export class EventNotSetError extends PerdureError {
  static readonly code = 'PERDURE_EVENT_NOT_SET';
  override readonly name: string = 'EventNotSetError';

  constructor(workflowId: string, key: string, reason: 'timeout' | 'ended') {
    super(
      EventNotSetError.code,
      reason === 'timeout'
        ? `Run "${workflowId}" did not set the event "${key}" in time. Wait longer, or look at its status.`
        : `Run "${workflowId}" has ended without setting the event "${key}". Check the key, and look at its status.`,
      { data: { workflowId, key, reason } },
    );
  }
}
