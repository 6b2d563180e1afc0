import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeArray } from './binary-array.js';

const hex = (text: string) => text.replaceAll(/\s/g, '');

describe('encodeArray', () => {
  it('has no dimension when it is empty', () => {
    expect(encodeArray({ arrayOf: 'text', values: [] }).toString('hex')).toBe(hex('00000000 00000000 00000019'));
  });

  it('writes dimension, null flag, element type, length, first index, then each element with its size', () => {
    expect(encodeArray({ arrayOf: 'text', values: ['a', null, ''] }).toString('hex')).toBe(
      hex('00000001 00000001 00000019 00000003 00000001  00000001 61  ffffffff  00000000'),
    );
  });

  it('counts bytes, not characters', () => {
    expect(encodeArray({ arrayOf: 'text', values: ['é😀'] }).toString('hex')).toBe(
      hex('00000001 00000000 00000019 00000001 00000001  00000006 c3a9f09f9880'),
    );
  });

  it('writes int4', () => {
    expect(encodeArray({ arrayOf: 'int4', values: [-1, 2147483647] }).toString('hex')).toBe(
      hex('00000001 00000000 00000017 00000002 00000001  00000004 ffffffff  00000004 7fffffff'),
    );
  });

  it('writes int8 from exact numbers and from decimal strings', () => {
    expect(encodeArray({ arrayOf: 'int8', values: [2 ** 53 - 1, '-9223372036854775808'] }).toString('hex')).toBe(
      hex('00000001 00000000 00000014 00000002 00000001  00000008 001fffffffffffff  00000008 8000000000000000'),
    );
  });

  it('writes any exact number as the bigint that it is', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const array = (element: number | string) => encodeArray({ arrayOf: 'int8', values: [element] }).toString('hex');
        expect(array(value)).toBe(array(String(value)));
      }),
    );
  });

  it('writes bool', () => {
    expect(encodeArray({ arrayOf: 'bool', values: [true, false, null] }).toString('hex')).toBe(
      hex('00000001 00000001 00000010 00000003 00000001  00000001 01  00000001 00  ffffffff'),
    );
  });

  it('writes uuid', () => {
    expect(encodeArray({ arrayOf: 'uuid', values: ['0193C5a0-0000-7000-8000-00000000000f'] }).toString('hex')).toBe(
      hex('00000001 00000000 00000b86 00000001 00000001  00000010 0193c5a0000070008000 00000000000f'),
    );
  });

  it.each([
    ['int4', 1.5],
    ['int4', 2 ** 31],
    ['int4', '1'],
    ['int8', 2 ** 53],
    ['int8', Number.NaN],
    ['int8', '9223372036854775808'],
    ['int8', ''],
    ['int8', true],
    ['bool', 't'],
    ['uuid', 'no uuid'],
    ['uuid', '0193c5a0-0000-7000-8000-00000000000g'],
  ] as const)('refuses what is no %s: %j', (arrayOf, value) => {
    expect(() => encodeArray({ arrayOf, values: [value] })).toThrow(expect.objectContaining({ code: '22P02' }));
  });
});
