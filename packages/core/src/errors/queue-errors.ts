import { PerdureError } from './perdure-error.js';

/** Neither this process nor another one has declared the queue. */
export class QueueNotFoundError extends PerdureError {
  static readonly code = 'PERDURE_QUEUE_NOT_FOUND';
  override readonly name: string = 'QueueNotFoundError';

  constructor(queue: string) {
    super(
      QueueNotFoundError.code,
      `There is no queue "${queue}". Declare it with queue('${queue}'), and check the spelling and that both sides use the same database and schema.`,
      { data: { queue } },
    );
  }
}

/** Another unfinished run of the queue has the deduplication id. */
export class DuplicateItemError extends PerdureError {
  static readonly code = 'PERDURE_ITEM_DUPLICATE';
  override readonly name: string = 'DuplicateItemError';

  constructor(queue: string, deduplicationId: string, workflowId: string) {
    super(
      DuplicateItemError.code,
      `Run "${workflowId}" of queue "${queue}" has the deduplication id "${deduplicationId}" and isn't finished. Wait for it, or enqueue with the policy 'attach' to get its handle.`,
      { data: { queue, deduplicationId, workflowId } },
    );
  }
}

/** The run waited longer than its queue's `maxWait` and was never begun. */
export class QueueTimeoutError extends PerdureError {
  static readonly code = 'PERDURE_QUEUE_TIMEOUT';
  override readonly name: string = 'QueueTimeoutError';

  constructor() {
    super(
      QueueTimeoutError.code,
      "The run waited longer than its queue's maxWait allows, and was not begun. Raise the queue's limits or add processes, or enqueue less.",
    );
  }
}
