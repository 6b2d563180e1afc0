import { describe, expect, it } from 'vitest';
import { toMs } from './duration.js';

describe('a duration', () => {
  it.each([
    [0, 0],
    [1.2, 2],
    ['500ms', 500],
    ['30s', 30_000],
    ['10m', 600_000],
    ['24h', 86_400_000],
    ['1.5 hours', 5_400_000],
    ['7d', 604_800_000],
  ])('%j is %i ms', (duration, expected) => {
    expect(toMs(duration, 'timeout')).toBe(expected);
  });

  it.each([
    -1,
    Number.NaN,
    Infinity,
    '',
    ' ',
    '5',
    'soon',
    '-5s',
    '200y',
    'x'.repeat(10_000),
    null,
    {},
    Object.create(null),
  ])('refuses %j and names the option', (duration) => {
    expect(() => toMs(duration as string, 'timeout of step "a"')).toThrow(/^timeout of step "a" must be a duration/);
  });
});
