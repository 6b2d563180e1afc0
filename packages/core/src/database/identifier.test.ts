import { describe, expect, it } from 'vitest';
import { checkSchemaName, quoteIdentifier } from './identifier.js';

describe('quoteIdentifier', () => {
  it.each([
    ['perdure', '"perdure"'],
    ['My-App', '"My-App"'],
    ['a"; drop table x; --', '"a""; drop table x; --"'],
  ])('%s → %s', (name, quoted) => {
    expect(quoteIdentifier(name)).toBe(quoted);
  });
});

describe('checkSchemaName', () => {
  it.each(['a', 'My-App', 'with "quotes"', 'x'.repeat(63)])('allows %s', (name) => {
    expect(checkSchemaName(name)).toBe(name);
  });

  it.each(['', 'x'.repeat(64), 'é'.repeat(32), 'a\0b', 'a$$b', 'pg_perdure'])('refuses %j', (name) => {
    expect(() => checkSchemaName(name)).toThrow(expect.objectContaining({ code: 'PERDURE_INVALID_ARGUMENT' }));
  });
});
