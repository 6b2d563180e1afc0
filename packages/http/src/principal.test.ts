import { describe, expect, it } from 'vitest';
import type { HttpOptions } from './options.js';
import { principalOf } from './principal.js';

/** What an application that is written in JavaScript may give. */
const given = (who: unknown): HttpOptions<unknown> => ({ principal: () => who as string });

describe('the principal', () => {
  it('is a text, and nobody where there is none', async () => {
    expect(await principalOf(given('alice'), {})).toBe('alice');
    expect(await principalOf(given(Promise.resolve('alice')), {})).toBe('alice');
    for (const nobody of [undefined, null, '']) expect(await principalOf(given(nobody), {})).toBeNull();
    expect(await principalOf({}, {})).toBeNull();
  });

  it('is refused where many could be the same', async () => {
    for (const wrong of [7, Number.NaN, {}, ['alice'], true]) {
      await expect(principalOf(given(wrong), {})).rejects.toThrow(TypeError);
    }
  });
});
