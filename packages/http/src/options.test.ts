import type { Perdure } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { Idempotency } from './idempotency.js';
import type { HttpOptions } from './options.js';

const timerMsMax = 2_147_483_647;

/** An adapter that resolves the options of a route of its own. */
const adapt = (options: HttpOptions<unknown>) => new Idempotency({} as Perdure, options).route();

describe('the options of an adapter', () => {
  it.each(['waitMs', 'handlerTimeoutMs', 'startTimeoutMs'] as const)(
    'refuse for %s what no timer can wait for',
    (option) => {
      for (const value of [timerMsMax + 1, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY, Number.NaN, -1, 1.5]) {
        expect(() => adapt({ [option]: value })).toThrow(RangeError);
        expect(() => adapt({ [option]: value })).toThrow(new RegExp(`^${option} .* to ${timerMsMax}, not ${value}$`));
      }
      for (const value of [1, timerMsMax]) expect(() => adapt({ [option]: value })).not.toThrow();
    },
  );

  it('let a key be remembered for longer than a timer can wait', () => {
    expect(adapt({ ttlMs: timerMsMax + 1 }).ttlMs).toBe(timerMsMax + 1);
  });
});
