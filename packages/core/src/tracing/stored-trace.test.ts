import { propagation } from '@opentelemetry/api';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeBaggage, decodeTrace, encodeBaggage, encodeTrace, type StoredTrace } from './stored-trace.js';

const stored: StoredTrace = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  traceFlags: 1,
  traceState: 'vendor=one',
  baggage: 'tenant=acme',
  depth: 2,
  startedAt: 1_700_000_000_000,
  anchors: [
    { spanId: 'b7ad6b7169203331', madeAt: 5, maker: 'executor' },
    { spanId: '00f067aa0ba902b7', madeAt: 4, maker: null },
  ],
  callerId: 'a7ad6b7169203331',
  isAwaited: true,
};

it('comes back as it was stored', () => {
  expect(decodeTrace(encodeTrace(stored))).toEqual(stored);
  const least = { ...stored, traceState: null, baggage: null, callerId: null, isAwaited: false };
  expect(decodeTrace(encodeTrace(least))).toEqual(least);
});

it('leaves out what is too long', () => {
  const long = 'x'.repeat(2_000);
  const kept = decodeTrace(encodeTrace({ ...stored, traceState: long, baggage: long }));
  expect(kept).toEqual({ ...stored, traceState: null, baggage: null });
});

it('takes what another program has written, as far as it is a traceparent', () => {
  const tp = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  expect(decodeTrace(JSON.stringify({ tp }))).toMatchObject({ anchors: [{ spanId: 'b7ad6b7169203331' }], depth: 0 });
  expect(
    decodeTrace(JSON.stringify({ tp: tp.replace('0af7651916cd43dd8448eb211c80319c', '0'.repeat(32)) })),
  ).toBeNull();
});

it('makes nothing of what is no trace, and never throws', () => {
  const field = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.constant(null),
    fc.array(fc.anything()),
    fc.dictionary(fc.string(), fc.anything()),
  );
  const record = fc.record({ tp: field, ts: field, bg: field, d: field, w: field, a: field, c: field, pi: field });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        record.map((given) => JSON.stringify(given)),
      ),
      (text) => {
        const decoded = decodeTrace(text);
        if (decoded !== null) expect(encodeTrace(decoded).length).toBeLessThan(4_096);
      },
    ),
    { numRuns: 2_000 },
  );
  for (const text of [null, '', '{', 'null', '[]', '"00"', `{"tp":"${'0'.repeat(5_000)}"}`])
    expect(decodeTrace(text)).toBeNull();
});

it('keeps of the baggage what is allowed, and reads whatever is in it', () => {
  const baggage = propagation.createBaggage({ tenant: { value: 'a,b=c é' }, token: { value: 'secret' } });
  const text = encodeBaggage(baggage, ['tenant']);
  expect(text).not.toContain('secret');
  expect(decodeBaggage(text!).getEntry('tenant')).toEqual({ value: 'a,b=c é' });
  expect(encodeBaggage(baggage, [])).toBeNull();
  fc.assert(
    fc.property(fc.string(), (given) => void decodeBaggage(given)),
    { numRuns: 500 },
  );
});

it('mends an entry of the baggage that was cut within a character', () => {
  const baggage = propagation.createBaggage({ tenant: { value: '\u{1f600} acme \ud83d' } });
  const text = encodeBaggage(baggage, ['tenant']);
  expect(decodeBaggage(text!).getEntry('tenant')).toEqual({ value: '\u{1f600} acme \ufffd' });
});
