import {
  type Baggage,
  createTraceState,
  isSpanContextValid,
  propagation,
  type SpanContext,
  type TraceFlags,
} from '@opentelemetry/api';
import type { EpochMs } from '../seams/clock.js';

/** A span that a run's spans may hang on. */
export interface Ancestor {
  readonly spanId: string;
  readonly madeAt: EpochMs;
  /** The executor that made it; null = a process without one, which nobody hears of when it dies. */
  readonly maker: string | null;
}

/** What is stored of a trace with a run, from its start on. */
export interface StoredTrace {
  readonly traceId: string;
  readonly traceFlags: TraceFlags;
  readonly traceState: string | null; // null = none
  readonly baggage: string | null; // null = none
  /** How many anchors are above; an anchor is so many microseconds long. */
  readonly depth: number;
  /** When the start was made, by the clock of the process that made it: nothing of the trace is to seem earlier. */
  readonly startedAt: EpochMs;
  /** The `start` itself, then where it has one the `run` of the parent. */
  readonly anchors: readonly [Ancestor, ...Ancestor[]];
  /** The span that the start was made in, where no run made it; null = none. */
  readonly callerId: string | null;
  /** Whether the caller's span lasts until the run has ended, and is lost with its process. */
  readonly isAwaited: boolean;
}

/** What other libraries may put into a trace state, and what is kept of the baggage. */
const traceStateBytesMax = 512;
const baggageBytesMax = 1_024;

/** As W3C writes it where it has a notation, so that SQL can read and write it. */
interface Notation {
  readonly tp: string;
  readonly ts?: string;
  readonly bg?: string;
  readonly d: number;
  readonly w: number;
  readonly a: readonly (readonly [string, number, string | null])[];
  readonly c?: string;
  readonly pi?: 1;
}

export function encodeTrace(stored: StoredTrace): string {
  const { traceId, traceFlags, traceState, baggage, depth, startedAt, anchors, callerId, isAwaited } = stored;
  const flags = (traceFlags & 0xff).toString(16).padStart(2, '0');
  const notation: Notation = {
    tp: `00-${traceId}-${anchors[0].spanId}-${flags}`,
    ...(traceState === null || traceState.length > traceStateBytesMax ? {} : { ts: traceState }),
    ...(baggage === null || baggage.length > baggageBytesMax ? {} : { bg: baggage }),
    d: depth,
    w: startedAt,
    a: anchors.map(({ spanId, madeAt, maker }) => [spanId, madeAt, maker]),
    ...(callerId === null ? {} : { c: callerId }),
    ...(isAwaited ? { pi: 1 } : {}),
  };
  return JSON.stringify(notation);
}

const traceparent = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const spanIdForm = /^[0-9a-f]{16}$/;

/** Null for what isn't a trace: whatever is stored, no run fails for it. */
export function decodeTrace(text: string | null): StoredTrace | null {
  if (text === null || text.length > 4_096) return null;
  try {
    const { tp, ts, bg, d, w, a, c, pi } = JSON.parse(text) as Partial<Notation>;
    const [, traceId, spanId, flags] = traceparent.exec(tp ?? '') ?? [];
    if (traceId === undefined || spanId === undefined || flags === undefined) return null;
    const traceFlags = Number.parseInt(flags, 16);
    if (!isSpanContextValid({ traceId, spanId, traceFlags })) return null;
    const [start, ...above] = (a ?? [])
      .filter(isAncestor)
      .map(([id, madeAt, maker]) => ({ spanId: id, madeAt, maker }));
    return {
      traceId,
      traceFlags,
      traceState: typeof ts === 'string' && ts.length <= traceStateBytesMax ? ts : null,
      baggage: typeof bg === 'string' && bg.length <= baggageBytesMax ? bg : null,
      depth: typeof d === 'number' && Number.isSafeInteger(d) && d >= 0 ? d : 0,
      startedAt: typeof w === 'number' && Number.isFinite(w) ? w : 0,
      anchors: [start?.spanId === spanId ? start : { spanId, madeAt: 0, maker: null }, ...above.slice(0, 1)],
      callerId: typeof c === 'string' && spanIdForm.test(c) ? c : null,
      isAwaited: pi === 1,
    };
  } catch {
    return null;
  }
}

function isAncestor(given: unknown): given is Notation['a'][number] {
  if (!Array.isArray(given)) return false;
  const [spanId, madeAt, maker] = given as readonly unknown[];
  const isMade = typeof madeAt === 'number' && (maker === null || typeof maker === 'string');
  return typeof spanId === 'string' && spanIdForm.test(spanId) && isMade;
}

/** The context of one of the spans of a stored trace, as of a remote parent. */
export function contextOf({ traceId, traceFlags, traceState }: StoredTrace, spanId: string): SpanContext {
  const state = traceState === null ? {} : { traceState: createTraceState(traceState) };
  return { traceId, spanId, traceFlags, isRemote: true, ...state };
}

/** The entries of a baggage that may be stored; null where there is none of them. */
export function encodeBaggage(baggage: Baggage | undefined, names: readonly string[]): string | null {
  if (baggage === undefined || names.length === 0) return null;
  const entries = baggage.getAllEntries().filter(([name]) => names.includes(name));
  if (entries.length === 0) return null;
  return entries.map(([name, { value }]) => `${encoded(name)}=${encoded(value)}`).join(',');
}

/** Of half a surrogate pair, which text that was cut may end with, there is no UTF-8. */
const encoded = (text: string): string => encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'));

export function decodeBaggage(text: string): Baggage {
  const entries = text.split(',').flatMap((entry) => {
    const [name, value] = entry.split('=', 2);
    return name === undefined || value === undefined ? [] : [[decoded(name), { value: decoded(value) }] as const];
  });
  return propagation.createBaggage(Object.fromEntries(entries));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
