import { expect, it } from 'vitest';
import { placeOf, type Surroundings } from './place.js';
import type { StoredTrace } from './stored-trace.js';

const [traceId, startId, aboveId, callerId] = ['1'.repeat(32), '2'.repeat(16), '3'.repeat(16), '4'.repeat(16)];

const stored: StoredTrace = {
  traceId,
  traceFlags: 1,
  traceState: null,
  baggage: null,
  depth: 0,
  startedAt: 0,
  anchors: [{ spanId: startId, madeAt: 10_000, maker: 'a' }],
  callerId,
  isAwaited: true,
};

const around: Surroundings = {
  mode: 'continue',
  isSplit: false,
  ownTraceId: null,
  deaths: [],
  exportDelayMs: 6_000,
  givesIds: false,
  tellsOfCaller: false,
};

const died = (executorId: string, seenAt: number) => ({
  deaths: [{ executorId, attempt: 1, seenAt, endedAt: seenAt }],
});

const parentOf = (trace: StoredTrace, changes: Partial<Surroundings> = {}) =>
  placeOf(trace, { ...around, ...changes }).parent?.spanId ?? null;

it('is below the start, as long as its maker is not known to have died', () => {
  expect(parentOf(stored)).toBe(startId);
  expect(parentOf(stored, died('other', 0))).toBe(startId);
  expect(placeOf(stored, around).links.map(({ spanId }) => spanId)).toEqual([startId]);
});

it('is below the start of a process that lived on for long enough to have exported it', () => {
  expect(parentOf(stored, died('a', 16_000))).toBe(startId);
});

it('is below the next ancestor that is sure, with links to the nearer ones', () => {
  const child = {
    ...stored,
    callerId: null,
    anchors: [stored.anchors[0], { spanId: aboveId, madeAt: 5_000, maker: 'a' }],
  } as const;
  const place = placeOf(child, { ...around, ...died('a', 12_000) });
  expect(place.parent?.spanId).toBe(aboveId);
  expect(place.links.map(({ spanId }) => spanId)).toEqual([startId]);
});

it('is below a caller who did not wait, or whose span this process makes again because it did', () => {
  const late = died('a', 12_000);
  expect(parentOf({ ...stored, isAwaited: false }, late)).toBe(callerId);
  expect(parentOf(stored, { ...late, givesIds: true, tellsOfCaller: true })).toBe(callerId);
  expect(parentOf(stored, { ...late, givesIds: true })).toBeNull();
  expect(parentOf({ ...stored, isAwaited: false }, { ...late, givesIds: true })).toBeNull();
});

it('is a guess where the caller is lost for certain', () => {
  expect(parentOf(stored, died('a', 12_000))).toBe(startId);
});

it('is a root where nothing is sure, in the same trace if that can be said', () => {
  const alone = { ...stored, callerId: null };
  const late = { ...around, ...died('a', 12_000) };
  expect(placeOf(alone, late)).toMatchObject({ parent: null, traceId: null, links: [{ spanId: startId }] });
  expect(placeOf(alone, { ...late, givesIds: true })).toEqual({ parent: null, traceId, links: [] });
});

it('is a root where that is asked for', () => {
  for (const changes of [{ mode: 'link' }, { isSplit: true }] as const) {
    expect(placeOf(stored, { ...around, ...changes })).toMatchObject({ parent: null, links: [{ spanId: startId }] });
  }
});

it('is a root of one trace for all processes after a pause, or where none was stored', () => {
  const own = { ...around, ownTraceId: '5'.repeat(32) };
  const inOwn = { parent: null, traceId: own.ownTraceId };
  expect(placeOf(null, own)).toEqual({ ...inOwn, links: [] });
  expect(placeOf(stored, { ...own, isSplit: true })).toMatchObject({ ...inOwn, links: [{ spanId: startId }] });
  for (const trace of [null, stored]) expect(placeOf(trace, { ...own, mode: 'link' }).traceId).toBeNull();
});

it('is below the start of a trace that nobody records', () => {
  expect(parentOf({ ...stored, traceFlags: 0, callerId: null }, { ...died('a', 0), givesIds: true })).toBe(startId);
});
