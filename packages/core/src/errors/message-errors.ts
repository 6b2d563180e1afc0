import { PerdureError } from './perdure-error.js';

/** No message came in time. */
export class ReceiveTimeoutError extends PerdureError {
  static readonly code = 'PERDURE_RECEIVE_TIMEOUT';
  override readonly name: string = 'ReceiveTimeoutError';

  constructor(workflowId: string, topic: string, timeoutMs: number) {
    super(
      ReceiveTimeoutError.code,
      `Run "${workflowId}" got no message of topic "${topic}" within ${timeoutMs} ms. Catch this where going on without one makes sense.`,
      { data: { workflowId, topic, timeoutMs } },
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
