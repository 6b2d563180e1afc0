import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CancelledError, WorkflowConflictError } from '../errors/errors.js';
import { PerdureError } from '../errors/perdure-error.js';
import { createCodec } from './codec.js';

class Declined extends Error {
  override readonly name = 'Declined';

  constructor(readonly reason: string) {
    super('declined');
    throw new Error('a constructor must not run while decoding');
  }
}

const codec = createCodec({ errorClasses: [Declined], maxBytes: 2 * 1024 * 1024 });
const roundTrip = (value: unknown): unknown => codec.decode(codec.encode(value));

describe('the codec', () => {
  it('stores plain JSON as exactly that', () => {
    for (const value of [null, true, 'text', 1.5, [], [1, [2]], { a: { b: ['c', null] } }]) {
      expect(codec.encode(value)).toBe(JSON.stringify(value));
      expect(roundTrip(value)).toEqual(value);
    }
    expect(codec.encode(undefined)).toBeNull();
    expect(codec.decode(null)).toBeUndefined();
  });

  it.each([
    ['a date', new Date('2020-02-29T12:00:00.123Z')],
    ['an invalid date', new Date(Number.NaN)],
    ['a bigint', 2n ** 100n],
    ['minus zero', -0],
    ['not a number', Number.NaN],
    ['infinity', -Infinity],
    ['undefined inside', { a: undefined, b: [undefined] }],
    ['a map', new Map<unknown, unknown>([[{ key: 1 }, new Set([1n])]])],
    ['a typed array', new Float64Array([1.5, -0, Number.NaN])],
    ['an array buffer', new Uint8Array([1, 2, 3]).buffer],
    ['a regular expression', /a+[^]*/gi],
    ['a url', new URL('https://user@example.com/?q=1#h')],
    ['no prototype', Object.assign(Object.create(null) as object, { a: 1 })],
    ['text that looks like the format', 'devalue:[1]'],
    ['NUL and broken surrogates', { text: '\u0000 \ud800 \udfff ok' }],
  ])('keeps %s', (_name, value) => {
    expect(roundTrip(value)).toStrictEqual(value);
    expect(codec.encode(value)).not.toMatch(/\p{Cc}|\p{Cs}/u);
  });

  it('keeps cycles and shared references', () => {
    const shared = { n: 1 };
    const value: Record<string, unknown> = { a: shared, b: shared, at: new Date(5) };
    value['self'] = value;
    const copy = roundTrip(value) as Record<string, unknown>;
    expect(copy['self']).toBe(copy);
    expect(copy['a']).toBe(copy['b']);
  });

  it('stores instances as their data, and what toJSON makes of them', () => {
    class Money {
      constructor(
        readonly cents: number,
        readonly at = new Date(7),
      ) {}
      format = undefined;
    }
    class Decimal {
      toJSON() {
        return '1.10';
      }
    }
    expect(roundTrip({ price: new Money(5), tax: new Decimal() })).toEqual({
      price: { cents: 5, at: new Date(7), format: undefined },
      tax: '1.10',
    });
    expect(roundTrip(Buffer.from('ab'))).toEqual(new Uint8Array([97, 98]));
  });

  it.each([
    ['$', () => 1],
    ['$', Symbol('s')],
    ['$.items[1].callback', { items: [0, { callback: () => 1 }] }],
    ['$.get(k)', new Map([['k', Promise.resolve()]])],
    ['$.values()', new Set([new WeakMap()])],
    ['$.__proto__', JSON.parse('{"__proto__":{"polluted":true}}')],
    [
      '$',
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('trap');
          },
        },
      ),
    ],
  ])('says where a value is that cannot be stored: %s', (path, value) => {
    expect(() => codec.encode(value)).toThrow(
      expect.objectContaining({ code: 'PERDURE_UNSUPPORTED_VALUE', data: expect.objectContaining({ path }) }),
    );
  });

  it('refuses what is too deep or too large, in time', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) deep = { deep };
    expect(() => codec.encode(deep)).toThrow(expect.objectContaining({ code: 'PERDURE_UNSUPPORTED_VALUE' }));
    expect(() => codec.encode('é'.repeat(25_000_000))).toThrow(
      expect.objectContaining({ code: 'PERDURE_PAYLOAD_TOO_LARGE' }),
    );
  });

  it('gives back any data that it takes', () => {
    const data = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true });
    fc.assert(
      fc.property(data, (value) => {
        let text: string | null;
        try {
          text = codec.encode(value);
        } catch (error) {
          return error instanceof PerdureError;
        }
        expect(codec.decode(text)).toStrictEqual(value);
        return true;
      }),
      { numRuns: 2_000 },
    );
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('reads nothing but what it wrote', () => {
    for (const text of ['', '{', 'devalue:', 'devalue:[["Error",1],5]', 'devalue:{"a":1}']) {
      expect(() => codec.decode(text)).toThrow(expect.objectContaining({ code: 'PERDURE_UNREADABLE_PAYLOAD' }));
    }
  });
});

describe('errors in the codec', () => {
  const through = (error: unknown): unknown => codec.decodeError(codec.encodeError(error));

  it('come back as their class if it is known, without running a constructor', () => {
    const declined = Object.create(Declined.prototype) as Declined;
    Object.assign(declined, { message: 'declined', reason: 'limit', name: 'Declined' });
    const decoded = through(declined);
    expect(decoded).toBeInstanceOf(Declined);
    expect(decoded).toMatchObject({ message: 'declined', reason: 'limit', name: 'Declined' });
    expect(through(new TypeError('t'))).toBeInstanceOf(TypeError);
    const conflict = through(new WorkflowConflictError('w', { reason: 'input' }));
    expect(conflict).toBeInstanceOf(WorkflowConflictError);
    expect(conflict).toBeInstanceOf(PerdureError);
    expect(conflict).not.toBeInstanceOf(CancelledError);
    expect(conflict).toMatchObject({ code: 'PERDURE_WORKFLOW_CONFLICT', data: { workflowId: 'w', reason: 'input' } });
  });

  it('never come back as a class that is only named in the data', () => {
    class Unknown extends Error {
      override readonly name = 'Unknown';
    }
    const decoded = through(new Unknown('u'));
    expect(Object.getPrototypeOf(decoded)).toBe(Error.prototype);
    expect(decoded).toMatchObject({ name: 'Unknown', message: 'u' });
    for (const className of ['Object', 'Function', '__proto__', 'constructor']) {
      // The first "Error" says that this is an error at all, the second is the name of its class.
      const [start, kind, rest] = codec.encodeError(new Error('e')).split('"Error"');
      const decoded = codec.decodeError(`${start}"Error"${kind}${JSON.stringify(className)}${rest}`);
      expect(Object.getPrototypeOf(decoded)).toBe(Error.prototype);
    }
  });

  it('keep their causes, cut where they lead back, and the errors of an AggregateError', () => {
    const root = new Error('root');
    const error = new Error('outer', { cause: new TypeError('inner', { cause: root }) });
    root.cause = error;
    const decoded = through(error) as Error & { cause: Error & { cause: Error } };
    expect(decoded.cause).toBeInstanceOf(TypeError);
    expect(decoded.cause.cause.message).toBe('root');
    expect(decoded.cause.cause.cause).toBeUndefined();
    const aggregate = through(new AggregateError([new RangeError('r'), 'text'], 'all')) as AggregateError;
    expect(aggregate.errors[0]).toBeInstanceOf(RangeError);
    expect(aggregate.errors[1]).toBe('text');
  });

  it('are stored whatever was thrown', () => {
    for (const thrown of ['text', null, undefined, 5, { code: 'E' }]) expect(through(thrown)).toEqual(thrown);
    expect(through(() => 1)).toMatchObject({ code: 'PERDURE_UNSUPPORTED_VALUE' });
    const hostile = new Error('hostile');
    Object.defineProperty(hostile, 'trap', {
      enumerable: true,
      get: () => {
        throw new Error('trap');
      },
    });
    Object.assign(hostile, { callback: () => 1, kept: 1 });
    expect(through(hostile)).toMatchObject({ message: 'hostile', kept: 1 });
    expect(through(new Error('x'.repeat(5_000_000)))).toMatchObject({ message: expect.stringMatching(/^x+$/) });
    expect(through(Object.assign(new Error('big'), { data: 'x'.repeat(5_000_000) }))).toMatchObject({ message: 'big' });
  });

  it('refuses two classes of one name', () => {
    const other = { Declined: class Declined extends Error {} }.Declined;
    expect(() => createCodec({ errorClasses: [Declined, other], maxBytes: 1 })).toThrow('Declined');
  });
});
