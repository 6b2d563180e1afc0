import { forbidden, notFound, permanentRedirect, redirect } from 'next/navigation.js';
import { describe, expect, it } from 'vitest';
import { isControlFlow, landing } from './control-flow.js';

process.env['__NEXT_EXPERIMENTAL_AUTH_INTERRUPTS'] = 'true';

describe('what Next throws to itself', () => {
  it.each([
    ['redirect', () => redirect('/orders;7?a=b'), 307, '/orders;7?a=b'],
    ['permanentRedirect', () => permanentRedirect('https://a.example/b'), 308, 'https://a.example/b'],
    ['notFound', () => notFound(), 404, null],
    ['forbidden', () => forbidden(), 403, null],
  ])('is the response that %s() is made into', async (_, thrown, status, location) => {
    const response = await landing(thrown as () => Response)();
    expect([response.status, response.headers.get('location')]).toEqual([status, location]);
  });

  it('is told from errors of an application, which stay as they are', async () => {
    const errors = [new Error('no'), Object.assign(new Error('no'), { digest: '1234' }), 'no', null];
    for (const error of errors) {
      expect(isControlFlow(error)).toBe(false);
      const throwing = (): Promise<Response> => Promise.reject(error);
      await expect(landing(throwing)()).rejects.toBe(error);
    }
    expect(isControlFlow(Object.assign(new Error('…'), { digest: 'DYNAMIC_SERVER_USAGE' }))).toBe(true);
  });
});
