/**
 * What Jaeger's user interface and query service would show of spans. The rules follow their source (Apache-2.0):
 * `summary.go` and `OtelTraceFacade` for orphans, `clockskew.go` for clock skew, `spaniduniquifier` for ids that come twice.
 */
import type { ReceivedSpan } from './received-span.js';

export interface JaegerView {
  readonly traces: number;
  readonly roots: readonly string[];
  readonly orphans: readonly string[];
  readonly incomplete: readonly string[];
  readonly duplicates: readonly string[];
  readonly skewed: readonly string[];
}

export function jaegerView(spans: readonly ReceivedSpan[]): JaegerView {
  const byTrace = groupBy(spans, ({ traceId }) => traceId);
  const traces = [...byTrace.values()];
  return {
    traces: traces.length,
    roots: traces.flatMap((trace) => trace.filter(({ parentSpanId }) => parentSpanId === null).map(({ name }) => name)),
    orphans: orphansOf(spans).map(({ name }) => name),
    incomplete: incompleteOf(spans).map(({ name }) => name),
    duplicates: traces.flatMap((trace) =>
      [...groupBy(trace, ({ spanId }) => spanId).values()]
        .filter((same) => same.length > 1)
        .map((same) => same.map(({ name }) => name).join(' = ')),
    ),
    skewed: traces.flatMap((trace) => skewedIn(trace)),
  };
}

function groupBy(
  spans: readonly ReceivedSpan[],
  keyOf: (span: ReceivedSpan) => string,
): ReadonlyMap<string, readonly ReceivedSpan[]> {
  const groups = new Map<string, ReceivedSpan[]>();
  for (const span of spans) groups.set(keyOf(span), [...(groups.get(keyOf(span)) ?? []), span]);
  return groups;
}

/** As the search page counts them: a parent that isn't in the trace. Links don't count. */
export function orphansOf(spans: readonly ReceivedSpan[]): ReceivedSpan[] {
  return lacking(spans, ({ parentSpanId }) => parentSpanId);
}

/** As the page of a trace does: the parent, or else the first link into the same trace. */
export function incompleteOf(spans: readonly ReceivedSpan[]): ReceivedSpan[] {
  return lacking(
    spans,
    ({ traceId, parentSpanId, links }) =>
      parentSpanId ?? links.find((link) => link.traceId === traceId)?.spanId ?? null,
  );
}

function lacking(spans: readonly ReceivedSpan[], above: (span: ReceivedSpan) => string | null): ReceivedSpan[] {
  return [...groupBy(spans, ({ traceId }) => traceId).values()].flatMap((trace) => {
    const ids = new Set(trace.map(({ spanId }) => spanId));
    return trace.filter((span) => isMissing(above(span), ids));
  });
}

const isMissing = (spanId: string | null, ids: ReadonlySet<string>): boolean => spanId !== null && !ids.has(spanId);

/** Spans of different hosts, or of unknown ones, whose clocks seem to differ. */
function skewedIn(trace: readonly ReceivedSpan[]): string[] {
  const byId = new Map(trace.map((span) => [span.spanId, span]));
  return trace.flatMap((span) => {
    const parent = span.parentSpanId === null ? undefined : byId.get(span.parentSpanId);
    if (parent === undefined) return [];
    const host = hostOf(span);
    if (host !== '' && host === hostOf(parent)) return [];
    return skewNs(span, parent) === 0n ? [] : [`${span.name} under ${parent.name}: ${skewNs(span, parent)} ns`];
  });
}

function hostOf({ resource }: ReceivedSpan): string {
  const given = resource['host.id'] ?? resource['host.ip'] ?? resource['host.name'];
  return typeof given === 'string' ? given : '';
}

function skewNs(child: ReceivedSpan, parent: ReceivedSpan): bigint {
  const childNs = child.endNs - child.startNs;
  const parentNs = parent.endNs - parent.startNs;
  if (childNs > parentNs) return child.startNs < parent.startNs ? parent.startNs - child.startNs : 0n;
  if (child.startNs >= parent.startNs && child.endNs <= parent.endNs) return 0n;
  return parent.startNs - child.startNs + (parentNs - childNs) / 2n;
}

const instanceOf = ({ resource }: ReceivedSpan): string => {
  const given = resource['service.instance.id'];
  return typeof given === 'string' ? given : '';
};

/** A trace as text: in the order of time for whoever has to read it, by name for whoever compares it. */
export function treeOf(spans: readonly ReceivedSpan[], order: 'time' | 'name' = 'time'): string {
  const sorted = [...spans].sort(
    (a, b) => (order === 'time' ? Number(a.startNs - b.startNs) : 0) || a.name.localeCompare(b.name),
  );
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const lines = (parentId: string | null, depth: number): string[] =>
    sorted
      .filter((span) => (isMissing(span.parentSpanId, ids) ? parentId === null : span.parentSpanId === parentId))
      .flatMap((span) => [
        `${'  '.repeat(depth)}${isMissing(span.parentSpanId, ids) ? '(orphan) ' : ''}${span.name} [${span.kind}${
          span.status === 'error' ? ', ERROR' : ''
        }] ${instanceOf(span)}`,
        ...lines(span.spanId, depth + 1),
      ]);
  return lines(null, 0).join('\n');
}
