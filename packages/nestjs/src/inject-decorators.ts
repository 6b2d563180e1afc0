import { Inject } from '@nestjs/common';
import { nestState } from './nest-state.js';
import { getPerdureToken, getQueueToken, getWorkflowToken } from './tokens.js';
import type { WorkflowClass } from './workflows/workflow-class.js';
import { workflowMetadata } from './workflows/workflow-metadata.js';

/** Injects the application's engine; it may be asked for anything once the application has started. */
export const InjectPerdure = (): ReturnType<typeof Inject> => Inject(getPerdureToken());

/**
 * Injects the workflow that a class is, which can be called, started without waiting, given an id, and enqueued.
 *
 * @example
 * constructor(@InjectWorkflow(CheckoutWorkflow) private readonly checkout: WorkflowOf<typeof CheckoutWorkflow>) {}
 *
 * const run = await this.checkout.with({ workflowId: `order-${order.id}` }).start(order);
 */
export function InjectWorkflow(cls: WorkflowClass): ReturnType<typeof Inject> {
  workflowMetadata(cls);
  nestState().injected.add(cls);
  return Inject(getWorkflowToken(cls));
}

/** Injects a queue that `PerdureModule.registerQueue` declared, on the application's engine. */
export const InjectQueue = (name: string): ReturnType<typeof Inject> => Inject(getQueueToken(name));
