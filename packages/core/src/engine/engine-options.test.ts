import { describe, expect, it } from 'vitest';
import { type LaunchOptions, resolveOptions } from './engine-options.js';

const refusal = expect.objectContaining({ code: 'PERDURE_INVALID_ARGUMENT' });

describe('maxCrashes', () => {
  it.each([0, 1, -5, 2.5, Number.NaN, Infinity, '3' as never])('refuses %j', (maxCrashes) => {
    expect(() => resolveOptions({ maxCrashes })).toThrow(refusal);
    expect(() => resolveOptions({ maxCrashes })).toThrow('at least 2');
  });

  it('takes what leaves room for a trial', () => {
    const crashesOf = (options: LaunchOptions): number => resolveOptions(options).crashesMax;
    expect([crashesOf({}), crashesOf({ maxCrashes: 2 }), crashesOf({ maxCrashes: 100 })]).toEqual([5, 2, 100]);
  });
});
