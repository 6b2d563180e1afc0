import { describe, expect, it, vi } from 'vitest';
import { CancelledError, NonRetryableError, RunNotFoundError } from './errors.js';
import { PerdureError } from './perdure-error.js';

describe('a PerdureError', () => {
  it('has a code, the facts as data, and the cause', () => {
    const cause = new Error('why');
    const error = new PerdureError('PERDURE_INVARIANT', 'message', { cause, data: { a: 1 } });
    expect(error).toMatchObject({ code: 'PERDURE_INVARIANT', message: 'message', data: { a: 1 }, cause });
    expect(new PerdureError('PERDURE_INVARIANT', 'message')).toMatchObject({ data: {} });
    expect('cause' in new PerdureError('PERDURE_INVARIANT', 'message')).toBe(false);
  });

  it('is an instance of its class and of the base, and of no other', () => {
    const error = new CancelledError('w');
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(PerdureError);
    expect(error).toBeInstanceOf(CancelledError);
    expect(error).not.toBeInstanceOf(RunNotFoundError);
  });

  it('is known across copies of the package', async () => {
    vi.resetModules();
    const copy = await import('./errors.js');
    expect(copy.CancelledError).not.toBe(CancelledError);
    expect(new copy.CancelledError('w')).toBeInstanceOf(CancelledError);
    expect(new copy.CancelledError('w')).toBeInstanceOf(PerdureError);
    expect(new copy.CancelledError('w')).not.toBeInstanceOf(RunNotFoundError);
  });

  it('lets users derive classes that are told apart as usual', () => {
    class CardExpired extends NonRetryableError {}
    expect(new CardExpired('e')).toBeInstanceOf(CardExpired);
    expect(new CardExpired('e')).toBeInstanceOf(NonRetryableError);
    expect(new NonRetryableError('e')).not.toBeInstanceOf(CardExpired);
  });

  it('is not what is none, nor what cannot be looked at', () => {
    for (const value of [
      undefined,
      null,
      'text',
      1,
      {},
      new Error('e'),
      { code: 'PERDURE_CANCELLED' },
      revokedProxy(),
    ]) {
      expect(value instanceof PerdureError).toBe(false);
      expect(value instanceof CancelledError).toBe(false);
    }
  });
});

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
