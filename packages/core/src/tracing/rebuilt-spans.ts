import { type Attributes, type HrTime, type SpanContext, SpanKind } from '@opentelemetry/api';
import { errorTypeOf } from '../errors/error-type.js';
import type { EpochMs } from '../seams/clock.js';
import type { Checkpoint, RunRecord } from '../store/records.js';
import { nameOfTopic, runAttributes } from './attributes.js';
import { derivedId, derivedTraceId, lostKey, tryKey } from './derived-ids.js';
import { loneTransactions } from '../workflow/history.js';
import { anchorEnd } from './spans.js';
import { contextOf, decodeTrace } from './stored-trace.js';
import { waitOf } from './waits.js';

/** A run, as far as its trace can be told from it. */
export interface RunToRebuild {
  readonly record: RunRecord;
  readonly seed: string;
  /** What is stored of the trace that it was in; null = nothing. */
  readonly trace: string | null;
  readonly history: readonly Checkpoint[];
  /** What it failed with; undefined if it did not. */
  readonly error: unknown;
  /** What a checkpoint failed with. */
  readonly errorOf: (checkpoint: Checkpoint) => unknown;
  /** When a timer was to go off; null = that cannot be read. */
  readonly dueAtOf: (timer: Checkpoint) => EpochMs | null;
}

/** A span of what has happened, made from the history. */
export interface RebuiltSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null; // null = a root
  readonly name: string;
  readonly kind: SpanKind;
  readonly startedAt: EpochMs;
  readonly endedAt: HrTime;
  readonly attributes: Attributes;
  readonly links: readonly SpanContext[];
  readonly failure: string | null; // null = none
}

/** What is below the mark of an attempt, or beside it. */
type Below = Omit<RebuiltSpan, 'traceId' | 'parentSpanId' | 'links' | 'failure'> & Partial<RebuiltSpan>;

/** A stretch of a run in which one process had it. */
interface Attempt {
  readonly no: number;
  readonly spanId: string;
  readonly beganAt: EpochMs;
  readonly endedAt: EpochMs;
  /** The process that died under it; null = none did. */
  readonly lostExecutorId: string | null;
}

/**
 * The trace of runs as it would be had every process lived to tell of it, in a trace of its own that is the same each time. The
 * spans of steps have the ids that they have with `@perdure/otel`.
 *
 * @param runs the first one, and those that were started by it and by these in turn
 */
export function rebuildSpans([first, ...others]: readonly [RunToRebuild, ...RunToRebuild[]]): RebuiltSpan[] {
  const traceId = derivedTraceId([first.record.workflowId, first.seed, 'rebuilt'].join('|'));
  const spans: RebuiltSpan[] = [];
  const add = (run: RunToRebuild, parentSpanId: string | null, depth: number): void => {
    const attempts = attemptsOf(run);
    const start = startOf(run, depth);
    spans.push({ failure: null, links: originalOf(run), ...start, traceId, parentSpanId });
    for (const attempt of attempts) {
      for (const { parentSpanId: above, ...span } of spansOf(run, attempt, depth)) {
        spans.push({ failure: null, links: [], ...span, traceId, parentSpanId: above ?? start.spanId });
      }
    }
    for (const child of others.filter(({ record }) => record.parentId === run.record.workflowId)) {
      const starter = attempts.findLast(({ beganAt }) => beganAt <= child.record.createdAt) ?? attempts[0];
      add(child, starter?.spanId ?? start.spanId, depth + (starter === undefined ? 1 : 2));
    }
  };
  add(first, null, 0);
  return spans;
}

function originalOf({ trace }: RunToRebuild): readonly SpanContext[] {
  const stored = decodeTrace(trace);
  return stored === null ? [] : [contextOf(stored, stored.anchors[0].spanId)];
}

function startOf({ record, seed, trace }: RunToRebuild, depth: number): Below {
  const { workflowId, queue, parentId, version, createdAt } = record;
  return {
    spanId: decodeTrace(trace)?.anchors[0].spanId ?? derivedId([workflowId, seed, 'start'].join('|')),
    name: `start ${record.name}`,
    kind: SpanKind.PRODUCER,
    startedAt: createdAt,
    endedAt: anchorEnd(createdAt, depth),
    attributes: {
      ...runAttributes(record),
      'perdure.app.version': version,
      'perdure.start.kind': queue !== null ? 'queue' : parentId === null ? 'handle' : 'child',
    },
  };
}

function attemptsOf({ record, seed, history }: RunToRebuild): readonly Attempt[] {
  const { workflowId, attempt: last, crashes, createdAt, finishedAt, queue } = record;
  const inOf = (no: number): readonly Checkpoint[] => history.filter(({ attempt }) => attempt === no);
  const attempts: Attempt[] = [];
  let since = createdAt;
  for (let no = 1; no <= last; no += 1) {
    const [own, before] = [inOf(no), crashes.find(({ attempt }) => attempt === no - 1)];
    const earliest = Math.min(...own.map(({ startedAt }) => startedAt));
    // One that was started at once began with its start; one that was taken over, when that was possible.
    const begins = no === 1 && queue === null ? createdAt : before === undefined ? earliest : Date.parse(before.at);
    const beganAt = Math.max(since, Number.isFinite(begins) ? begins : since);
    const crash = crashes.find(({ attempt }) => attempt === no);
    const seenAt = crash === undefined ? 0 : Date.parse(crash.seenAt);
    const lastDone = Math.max(beganAt, seenAt, ...own.map((checkpoint) => checkpoint.finishedAt));
    const endedAt = no === last ? Math.max(lastDone, finishedAt ?? 0) : lastDone;
    attempts.push({
      no,
      spanId: derivedId([workflowId, seed, 'attempt', no].join('|')),
      beganAt,
      endedAt,
      lostExecutorId: crash?.executorId ?? null,
    });
    since = endedAt;
  }
  return attempts;
}

function spansOf(run: RunToRebuild, attempt: Attempt, depth: number): readonly Below[] {
  const { record, seed } = run;
  const { no, spanId, beganAt, endedAt, lostExecutorId } = attempt;
  const of = runAttributes(record);
  const isLast = no === record.attempt;
  const mark: Below = {
    spanId,
    name: `run ${record.name}`,
    kind: SpanKind.CONSUMER,
    startedAt: beganAt,
    endedAt: anchorEnd(beganAt, depth + 1),
    attributes: { ...of, 'perdure.attempt': no },
  };
  const isLost = lostExecutorId !== null;
  const bar: Below = {
    spanId: derivedId(isLost ? lostKey({ workflowId: record.workflowId, seed }, no) : `${spanId}|execute`),
    parentSpanId: spanId,
    name: `execute ${record.name}${isLost ? ' (lost)' : ''}`,
    kind: SpanKind.INTERNAL,
    startedAt: beganAt,
    endedAt: anchorEnd(endedAt, depth + 2),
    attributes: {
      ...of,
      'perdure.attempt': no,
      'perdure.outcome': isLost ? 'lost' : isLast ? record.status : 'suspended',
      ...(isLost && { 'perdure.executor.id': lostExecutorId }),
    },
    failure: isLost ? 'executor-lost' : isLast && run.error !== undefined ? errorTypeOf(() => run.error) : null,
  };
  return [mark, bar, ...callsOf(run, attempt, depth)];
}

/** The tries and waits that were recorded in an attempt. A wait that began in an earlier one hangs beside this one's mark. */
function callsOf(run: RunToRebuild, { no, spanId, beganAt }: Attempt, depth: number): readonly Below[] {
  const { workflowId } = run.record;
  const tries = new Map<number, number>();
  const dueAts = new Map<number, EpochMs | null>();
  let retries = 0;
  const found: Below[] = [];
  for (const checkpoint of inOrder(run.history)) {
    const { kind, seq, name, attempt, startedAt, finishedAt, failed, position } = checkpoint;
    if (kind === 'retry') {
      retries += 1;
      tries.clear();
      dueAts.clear();
    }
    if (kind === 'timer') dueAts.set(seq, run.dueAtOf(checkpoint));
    const isTry = kind === 'step' || kind === 'attempt' || kind === 'transaction';
    const tryNo = (tries.get(seq) ?? 0) + 1;
    if (isTry) tries.set(seq, tryNo);
    if (attempt !== no) continue;
    const hasFailed = failed || kind === 'attempt';
    const failure = hasFailed ? errorTypeOf(() => run.errorOf(checkpoint)) : null;
    const isOlder = startedAt < beganAt;
    const common = {
      startedAt,
      endedAt: anchorEnd(Math.max(startedAt, finishedAt), depth + 2),
      failure,
      ...(isOlder ? {} : { parentSpanId: spanId }),
    };
    const of = runAttributes(run.record);
    if (isTry) {
      found.push({
        ...common,
        spanId: derivedId(tryKey({ workflowId, seed: run.seed }, { attempt, retries, seq, tryNo })),
        name: `step ${name}`,
        kind: SpanKind.INTERNAL,
        attributes: {
          ...of,
          'perdure.step.name': name,
          'perdure.step.seq': seq,
          'perdure.step.try': tryNo,
          'perdure.outcome': hasFailed ? 'failed' : 'committed',
        },
      });
      continue;
    }
    const wait =
      kind === 'send'
        ? { name: `send ${nameOfTopic(name)}`, kind: SpanKind.PRODUCER, attributes: {} }
        : waitOf({ ...checkpoint, dueAt: dueAts.get(seq) ?? null });
    if (wait === null) continue;
    const id = derivedId([workflowId, run.seed, kind, retries, position].join('|'));
    found.push({ ...common, spanId: id, name: wait.name, kind: wait.kind, attributes: { ...of, ...wait.attributes } });
  }
  return found;
}

/**
 * What is known of a step from its transaction alone comes last: nothing of that step was recorded after it. Where the step was
 * recorded, too, that says it all.
 */
function inOrder(history: readonly Checkpoint[]): readonly Checkpoint[] {
  return [...history.filter(({ kind }) => kind !== 'transaction'), ...loneTransactions(history)];
}
