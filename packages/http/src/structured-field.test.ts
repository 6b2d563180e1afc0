import { describe, expect, it } from 'vitest';
import { parseStringItem } from './structured-field.js';

describe('a structured field of type String', () => {
  it.each([
    ['"a"', 'a'],
    ['  "a"  ', 'a'],
    ['""', ''],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ['"a, b; c"', 'a, b; c'],
    ['"a";p', 'a'],
    ['"a";p=1;q=1.5;r="x\\"";s=tok/en;t=?0;u=:aGk=:;v=@1700000000', 'a'],
    ['"a" ', 'a'],
  ])('%s is %j', (field, text) => {
    expect(parseStringItem(field)).toBe(text);
  });

  it.each([
    '',
    'a',
    '"a',
    'a"',
    '"a"b',
    '"a" "b"',
    '"a", "b"',
    '"a\\n"',
    '"\u00e9"',
    '"a\u0000"',
    '("a")',
    '"a";',
    '"a";P',
    '"a";p=',
    '"a" ;p',
  ])('%j is none', (field) => {
    expect(parseStringItem(field)).toBeNull();
  });

  it('is refused in time that grows with its length only', () => {
    const hostile = `"${'a'.repeat(50_000)}";${'p=1;'.repeat(20_000)}!`;
    expect(parseStringItem(hostile)).toBeNull();
  });
});
