import { type SpanContext, SpanKind } from '@opentelemetry/api';
import type { EpochMs } from '../seams/clock.js';
import type { CheckpointKind } from '../store/records.js';
import { nameOfTopic } from './attributes.js';
import { decodeSender } from './sender.js';
import type { WaitToTrace } from './traced-run.js';

/** A call of a workflow that has come to its end. */
export interface EndedCall {
  readonly kind: CheckpointKind;
  readonly name: string;
  readonly startedAt: EpochMs;
  readonly finishedAt: EpochMs;
  readonly consumed?: { readonly trace: string | null };
  /** When a sleep was to end; null = that is not known. */
  readonly dueAt?: EpochMs | null;
}

/** What is to be seen of a call besides steps and starts; null where it is nothing that takes time. */
export function waitOf(call: EndedCall): WaitToTrace | null {
  const { name, startedAt, finishedAt } = call;
  const times = { startedAt, finishedAt };
  switch (call.kind) {
    case 'sleep': {
      const { dueAt = null } = call;
      const attributes = dueAt === null ? {} : { 'perdure.wait.until': new Date(dueAt).toISOString() };
      return { name: 'sleep', kind: SpanKind.INTERNAL, attributes, links: [], ...times };
    }
    case 'receive':
      return { ...receiveOf(name, call.consumed?.trace ?? null), ...times };
    case 'child':
      return { name: `await ${name}`, kind: SpanKind.INTERNAL, attributes: {}, links: [], ...times };
    case 'result':
      return { name: 'await result', kind: SpanKind.INTERNAL, attributes: {}, links: [], ...times };
    case 'get-event':
      return { name: 'await event', kind: SpanKind.INTERNAL, attributes: {}, links: [], ...times };
    default:
      return null;
  }
}

function receiveOf(topic: string, sender: string | null): Omit<WaitToTrace, 'startedAt' | 'finishedAt'> {
  const from: SpanContext | null = decodeSender(sender);
  return {
    name: `receive ${nameOfTopic(topic)}`,
    kind: SpanKind.CONSUMER,
    attributes: { 'messaging.system': 'postgresql', 'messaging.operation.name': 'receive' },
    links: from === null ? [] : [from],
  };
}
