import { type Attributes, type HrTime, SpanStatusCode } from '@opentelemetry/api';
import type { RebuiltSpan } from './rebuilt-spans.js';

interface OtlpAttribute {
  readonly key: string;
  readonly value: { readonly stringValue: string } | { readonly intValue: string } | { readonly boolValue: boolean };
}

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

/** Traces in OTLP, as JSON: what a collector takes at `/v1/traces`, and Jaeger from a file. */
export interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: readonly OtlpSpan[] }[];
  }[];
}

export function toOtlp(spans: readonly RebuiltSpan[], resource: Attributes): OtlpTraces {
  return {
    resourceSpans: [
      {
        resource: { attributes: toAttributes(resource) },
        scopeSpans: [{ scope: { name: '@perdure/core' }, spans: spans.map(toSpan) }],
      },
    ],
  };
}

function toSpan(span: RebuiltSpan): OtlpSpan {
  const { traceId, spanId, parentSpanId, name, kind, startedAt, endedAt, attributes, links, failure } = span;
  return {
    traceId,
    spanId,
    ...(parentSpanId === null ? {} : { parentSpanId }),
    name,
    // The API counts from 0, and the protocol from 1.
    kind: kind + 1,
    startTimeUnixNano: toNanos([Math.floor(startedAt / 1_000), (startedAt % 1_000) * 1_000_000]),
    endTimeUnixNano: toNanos(endedAt),
    attributes: toAttributes({ ...attributes, ...(failure === null ? {} : { 'error.type': failure }) }),
    links: links.map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
    status: failure === null ? {} : { code: SpanStatusCode.ERROR, message: failure },
  };
}

const toNanos = ([seconds, nanos]: HrTime): string =>
  (BigInt(seconds) * 1_000_000_000n + BigInt(Math.round(nanos))).toString();

function toAttributes(attributes: Attributes): OtlpAttribute[] {
  return Object.entries(attributes).map(([key, value]) => {
    if (typeof value === 'boolean') return { key, value: { boolValue: value } };
    if (typeof value === 'number') return { key, value: { intValue: String(value) } };
    return { key, value: { stringValue: String(value) } };
  });
}
