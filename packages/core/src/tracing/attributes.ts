import type { Attributes } from '@opentelemetry/api';
import type { NewRun } from '../store/records.js';

/** What every span of a run says of it. Nothing of inputs, results, messages or errors but the type of an error. */
export const runAttributes = ({ workflowId, name }: Pick<NewRun, 'workflowId' | 'name'>): Attributes => ({
  'perdure.workflow.id': workflowId,
  'perdure.workflow.name': name,
});

/** The topic of a token holds a hash of it, which is nobody's business and another one each time. */
export const nameOfTopic = (topic: string): string => (topic.startsWith('token ') ? 'token' : topic);

export const sendAttributes = (workflowId: string): Attributes => ({
  'messaging.system': 'postgresql',
  'messaging.operation.name': 'send',
  'messaging.operation.type': 'send',
  'perdure.workflow.target_id': workflowId,
});
