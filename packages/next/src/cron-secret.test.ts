import { expect, it } from 'vitest';
import { mayTick } from './cron-secret.js';

it('nobody may tick without the secret, and nobody at all where there is none', () => {
  expect(mayTick('Bearer s3cret', 's3cret')).toBe(true);
  for (const given of [null, '', 'Bearer ', 's3cret', 'Bearer s3cret ', 'bearer s3cret', 'Bearer s3creT']) {
    expect(mayTick(given, 's3cret')).toBe(false);
  }
  for (const secret of [undefined, '']) expect(mayTick('Bearer ', secret)).toBe(false);
});
