import { expect, it } from 'vitest';
import { deferred } from './deferred.js';

it('settles from outside, once', async () => {
  const resolved = deferred<number>();
  resolved.resolve(1);
  resolved.reject(new Error('too late'));
  await expect(resolved.promise).resolves.toBe(1);
  const rejected = deferred<number>();
  rejected.reject(new Error('no'));
  await expect(rejected.promise).rejects.toThrow('no');
});
