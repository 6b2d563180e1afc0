import type { Attributes } from '@opentelemetry/api';
import type { NewRun } from '../store/records.js';

/** What every span of a run says of it. Nothing of inputs, results, messages or errors but the type of an error. */
export const runAttributes = ({ workflowId, name }: Pick<NewRun, 'workflowId' | 'name'>): Attributes => ({
  'perdure.workflow.id': workflowId,
  'perdure.workflow.name': name,
});

const typeForm = /^[\w.$-]{1,100}$/;

/** The code of an error, or the name of its class. Its message is not for traces: it may say what the input was. */
export function errorType(error: unknown): string {
  const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown };
  for (const given of [code, name]) if (typeof given === 'string' && typeForm.test(given)) return given;
  return '_OTHER';
}

/** The topic of a token holds a hash of it, which is nobody's business and another one each time. */
export const nameOfTopic = (topic: string): string => (topic.startsWith('token ') ? 'token' : topic);

export const sendAttributes = (workflowId: string): Attributes => ({
  'messaging.system': 'postgresql',
  'messaging.operation.name': 'send',
  'messaging.operation.type': 'send',
  'perdure.workflow.target_id': workflowId,
});
