import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.js';

describe('canonical JSON', () => {
  it.each([
    ['{"b":1,"a":{"d":[3,2],"c":null}}', '{"a":{"c":null,"d":[3,2]},"b":1}'],
    ['[1.0,1e2,-0,0.000001,1e21]', '[1,100,0,0.000001,1e+21]'],
    ['"\\u20ac\\u0041\\/\\n"', '"€A/\\n"'],
    ['{"\\u20ac":1,"\\r":2,"1":3,"\\ud83d\\ude00":4}', '{"\\r":2,"1":3,"€":1,"😀":4}'],
    ['{}', '{}'],
    ['null', 'null'],
  ])('of %s is %s', (text, canonical) => {
    expect(canonicalJson(JSON.parse(text))).toBe(canonical);
  });

  it('means the same, whatever it is made of, and has one form', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });

  it('leaves out what JSON has no word for', () => {
    expect(canonicalJson({ a: undefined, b: [undefined], c: new Date(0), d: 5n })).toBe(
      '{"b":[null],"c":"1970-01-01T00:00:00.000Z","d":5}',
    );
    expect(canonicalJson(undefined)).toBe('null');
  });

  it('refuses what is nested so deeply that it could exhaust the stack', () => {
    let nested: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) nested = [nested];
    expect(() => canonicalJson(nested)).toThrow(RangeError);
  });
});
