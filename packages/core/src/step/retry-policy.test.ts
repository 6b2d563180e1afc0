import { describe, expect, it } from 'vitest';
import { NonRetryableError } from '../errors/errors.js';
import { mayRetry, nextDelayMs, resolveRetryPolicy } from './retry-policy.js';

describe('a retry policy', () => {
  it('grows its pauses by the factor, up to the maximum', () => {
    const policy = resolveRetryPolicy({ retries: 9, backoff: { initial: '1s', factor: 3, max: '10s', jitter: 0 } });
    expect([1, 2, 3, 4, 100].map((failed) => nextDelayMs(policy, failed, 0.5))).toEqual([
      1_000, 3_000, 9_000, 10_000, 10_000,
    ]);
  });

  it('varies a pause by the jitter, both ways', () => {
    const policy = resolveRetryPolicy({ backoff: { initial: 1_000, jitter: 0.5 } });
    expect([0, 0.5, 0.999_999].map((random) => nextDelayMs(policy, 1, random))).toEqual([500, 1_000, 1_500]);
  });

  it('allows as many retries as it says, and none by default', () => {
    const twice = resolveRetryPolicy({ retries: 2 });
    expect([1, 2, 3].map((failed) => mayRetry(twice, new Error('e'), failed))).toEqual([true, true, false]);
    expect(mayRetry(resolveRetryPolicy({}), new Error('e'), 1)).toBe(false);
    expect(mayRetry(resolveRetryPolicy({ retries: Infinity }), new Error('e'), 1e9)).toBe(true);
  });

  it('never retries what is marked so, at the top or as a cause, and ends in a circle of causes', () => {
    const policy = resolveRetryPolicy({ retries: 5 });
    const marked = new NonRetryableError('no');
    expect(mayRetry(policy, marked, 1)).toBe(false);
    expect(mayRetry(policy, new Error('outer', { cause: new Error('middle', { cause: marked }) }), 1)).toBe(false);
    const circle = new Error('a');
    circle.cause = circle;
    expect(mayRetry(policy, circle, 1)).toBe(true);
    expect(mayRetry(policy, 'text', 1)).toBe(true);
  });

  it.each([
    ['is a revoked Proxy', revokedProxy()],
    [
      'throws when its cause is read',
      Object.defineProperty(new Error('e'), 'cause', {
        get: () => {
          throw new Error('trap');
        },
      }),
    ],
  ])('retries an error that %s', (_what, error) => {
    expect(mayRetry(resolveRetryPolicy({ retries: 1 }), error, 1)).toBe(true);
  });

  it('makes no pause without an initial one, however often it failed', () => {
    const policy = resolveRetryPolicy({ retries: Infinity, backoff: { initial: 0 } });
    expect([1, 2, 5_000].map((failed) => nextDelayMs(policy, failed, 0.5))).toEqual([0, 0, 0]);
  });

  it('asks retryIf, and takes an exception for a no', () => {
    const seen: unknown[] = [];
    const retryIf = (error: unknown, failed: number) => {
      seen.push([error, failed]);
      if (failed === 2) throw new Error('broken');
      return true;
    };
    const policy = resolveRetryPolicy({ retries: 5, retryIf });
    expect([1, 2].map((failed) => mayRetry(policy, 'e', failed))).toEqual([true, false]);
    expect(seen).toEqual([
      ['e', 1],
      ['e', 2],
    ]);
  });

  it.each([
    { retries: -1 },
    { retries: 1.5 },
    { retries: Number.NaN },
    { backoff: { factor: 0.5 } },
    { backoff: { factor: Number.NaN } },
    { backoff: { jitter: 2 } },
    { backoff: { initial: 'soon' } },
    { backoff: { max: -1 } },
  ])('refuses %j', (options) => {
    expect(() => resolveRetryPolicy(options)).toThrow(expect.objectContaining({ code: 'PERDURE_INVALID_ARGUMENT' }));
  });
});

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
