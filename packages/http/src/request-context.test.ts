import { describe, expect, it } from 'vitest';
import { httpState } from './process-state.js';
import { contextOfHeaders, currentRequest, logContext, requestCarrier } from './request-context.js';

const headers = (values: Record<string, string>) => contextOfHeaders((name) => values[name] ?? null);
const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('the context of a request', () => {
  it('takes its id and its trace from the headers, where they are sound', () => {
    expect(headers({ 'x-request-id': 'req-1', traceparent: trace, tracestate: 'a=1' })).toEqual({
      requestId: 'req-1',
      traceparent: trace,
      tracestate: 'a=1',
    });
    for (const forged of ['a b', 'a\nb', 'x'.repeat(129), '', '<script>', '${jndi}']) {
      expect(headers({ 'x-request-id': forged }).requestId).toMatch(/^[0-9a-f-]{36}$/);
    }
    expect(headers({ traceparent: 'nonsense', tracestate: 'a=1' })).not.toHaveProperty('tracestate');
  });

  it('is carried by value into where it is put back', async () => {
    expect(requestCarrier.capture()).toBeUndefined();
    const scope = {
      kind: 'http.request' as const,
      starter: null,
      context: () => ({ requestId: 'r', tenant: 't' }),
      runIdFor: () => Promise.resolve('h_x'),
    };
    const captured = httpState().scopes.run(scope, () => requestCarrier.capture());
    expect(captured).toEqual({ requestId: 'r', tenant: 't' });
    const restored = JSON.parse(JSON.stringify(captured)) as NonNullable<typeof captured>;
    await requestCarrier.run(restored, async () => {
      await Promise.resolve();
      expect(currentRequest()).toEqual({ requestId: 'r', tenant: 't' });
      expect(requestCarrier.capture()).toEqual(captured);
      // What goes on after its request names no runs after its key.
      expect(await httpState().scopes.getStore()?.runIdFor('pay')).toBeUndefined();
      expect(logContext()).toEqual({ request_id: 'r' });
      expect(logContext()).not.toBe(logContext());
    });
    expect(currentRequest()).toBeUndefined();
    expect(logContext()).toEqual({});
  });
});
