import type { WorkflowClass } from './workflows/workflow-class.js';
import { workflowMetadata } from './workflows/workflow-metadata.js';

// Registered symbols, so that the ES module and the CommonJS build of this package mean the same providers.
const tokenOf = (name: string): symbol => Symbol.for(`perdure.nestjs.${name}`);

/** The token of the application's engine, for tests that override it and for factories. */
export const getPerdureToken = (): symbol => tokenOf('engine');

/** The token of what {@link PerdureModule} was given. */
export const getPerdureOptionsToken = (): symbol => tokenOf('options');

/** The token of the workflow that a class is, as `@InjectWorkflow(cls)` injects it. */
export const getWorkflowToken = (cls: WorkflowClass): symbol => tokenOf(`workflow.${workflowMetadata(cls).name}`);

/** The token of a queue that `PerdureModule.registerQueue` declared. */
export const getQueueToken = (name: string): symbol => tokenOf(`queue.${name}`);
