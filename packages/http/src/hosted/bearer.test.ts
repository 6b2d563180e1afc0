import { expect, it } from 'vitest';
import { bears } from './bearer.js';

it('nobody is let in without the secret, and nobody at all where there is none', () => {
  expect(bears('Bearer s3cret', 's3cret')).toBe(true);
  for (const given of [null, '', 'Bearer ', 's3cret', 'Bearer s3cret ', 'bearer s3cret', 'Bearer s3creT']) {
    expect(bears(given, 's3cret')).toBe(false);
  }
  for (const secret of [undefined, '']) expect(bears('Bearer ', secret)).toBe(false);
});
