import { runInNewContext } from 'node:vm';
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

  it('keeps what JSON would write twice as one, in no more time than it takes to look at it once', () => {
    let shared: unknown = { n: 1 };
    for (let level = 0; level < 100; level += 1) shared = { left: shared, right: shared };
    const copy = roundTrip(shared) as { left: unknown; right: unknown };
    expect(copy.left).toBe(copy.right);
    let calls = 0;
    let entity: object = { n: 1n };
    for (let level = 0; level < 100; level += 1) {
      const related = entity;
      entity = {
        toJSON: () => {
          calls += 1;
          return { left: related, right: related };
        },
      };
    }
    const data = roundTrip(entity) as { left: unknown; right: unknown };
    expect(data.left).toBe(data.right);
    expect(calls).toBe(100);
  });

  it('stores the bytes of a view, and none that lie beside it', () => {
    const pool = new TextEncoder().encode('-- secret of another request --');
    const text = codec.encode(pool.subarray(0, 2)) ?? '';
    expect(text.length).toBeLessThan(100);
    expect(codec.decode(text)).toStrictEqual(new Uint8Array([45, 45]));
    expect(roundTrip(new Float64Array([1, 2, 3]).subarray(1))).toStrictEqual(new Float64Array([2, 3]));
    const view = roundTrip(new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2)) as DataView;
    expect([view.byteLength, view.getUint8(0), view.buffer.byteLength]).toEqual([2, 2, 2]);
    expect(roundTrip(new Uint8Array(new SharedArrayBuffer(2)))).toStrictEqual(new Uint8Array(2));
  });

  it.each([
    ['new Map([[1, { a: new Set([2n]) }]])', new Map([[1, { a: new Set([2n]) }]])],
    ['[new Date(5), /a/g, { b: undefined }]', [new Date(5), /a/g, { b: undefined }]],
    ['new Float64Array([1]).subarray(0)', new Float64Array([1])],
  ])('takes data of another realm for what it is: %s', (code, expected) => {
    expect(roundTrip(runInNewContext(code))).toStrictEqual(expected);
  });

  it('takes any object for the key of a Map', () => {
    const copy = roundTrip(new Map([[Object.create(null) as object, 1n]])) as Map<object, bigint>;
    expect([...copy.values()]).toEqual([1n]);
  });

  it.each([
    ['$', () => 1],
    ['$', Symbol('s')],
    ['$.items[1].callback', { items: [0, { callback: () => 1 }] }],
    ['$.get(k)', new Map([['k', Promise.resolve()]])],
    ['$.values()', new Set([new WeakMap()])],
    ['$[0]', [new Map().values()]],
    ['$.s', { s: Object(Symbol('s')) as unknown }],
    ['$.stream', { stream: new TransformStream() }],
    ['$[0]', [detached()]],
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

  it('refuses what is too deep or no data, however little may be stored', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) deep = { deep };
    for (const maxBytes of [10, 2 * 1024 * 1024]) {
      const { encode } = createCodec({ errorClasses: [], maxBytes });
      expect(() => encode(deep)).toThrow(expect.objectContaining({ code: 'PERDURE_UNSUPPORTED_VALUE' }));
      const callback = { list: Array.from({ length: 100 }, () => 1), callback: trap };
      expect(() => encode(callback)).toThrow(expect.objectContaining({ code: 'PERDURE_UNSUPPORTED_VALUE' }));
    }
  });

  it.each([
    ['a text', () => 'é'.repeat(25_000_000)],
    ['a text longer than its JSON could be', () => 'x'.repeat(2 ** 29 - 30)],
    ['a text among other things', () => ({ at: new Date(), text: '\0'.repeat(200_000_000) })],
    ['an array of bytes', () => new Uint8Array(1_000_000_000)],
    ['many members', () => Array.from({ length: 3_000_000 }, () => 1n)],
  ])('refuses what is too large: %s', (_what, make) => {
    expect(() => codec.encode(make())).toThrow(expect.objectContaining({ code: 'PERDURE_PAYLOAD_TOO_LARGE' }));
  });

  it('ends on a list without an end', () => {
    const endless = new Proxy([], { get: (_, key) => (key === 'length' ? 2 ** 40 : 1), has: () => true });
    expect(() => codec.encode(endless)).toThrow(PerdureError);
  });

  it('takes what is as large as it may be', () => {
    const { encode } = createCodec({ errorClasses: [], maxBytes: 10 });
    expect(encode('12345678')).toBe('"12345678"');
    expect(() => encode('123456789')).toThrow(expect.objectContaining({ data: { bytes: 11, bytesMax: 10 } }));
    expect(() => encode('éééé1')).toThrow(expect.objectContaining({ data: { bytes: 11, bytesMax: 10 } }));
    expect(encode([1, 2, 3, 4])).toBe('[1,2,3,4]');
  });

  it('refuses, with an error of its own, what answers differently when it is asked again', () => {
    let asked = 0;
    const fickle = Object.defineProperty({}, 'a', {
      enumerable: true,
      get: () => {
        asked += 1;
        if (asked > 1) throw new Error('not again');
        return 1;
      },
    });
    expect(() => codec.encode(fickle)).toThrow(expect.objectContaining({ code: 'PERDURE_UNSUPPORTED_VALUE' }));
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

  it.each([
    ['is a revoked Proxy', () => revokedProxy()],
    ['throws from every trap', () => trappedError()],
    ['has a message and a name that are no texts', () => Object.assign(new Error('e'), { message: { a: 1 }, name: 7 })],
    ['has no prototype', () => Object.setPrototypeOf(new Error('e'), null) as unknown],
    ['throws when its name is read', () => Object.defineProperty(new Error('e'), 'name', { get: trap })],
    ['throws when its class is read', () => Object.defineProperty(new Error('e'), 'constructor', { get: trap })],
  ])('are stored whatever was thrown: what %s', (_what, make) => {
    expect(through(make())).toBeInstanceOf(Error);
    // In what is too large, an error is summarized instead.
    const parts = Array.from({ length: 100 }, (_, no) => `${no}`.padEnd(100_000, 'x'));
    const large = through(Object.assign(new AggregateError([make()], 'all'), Object.fromEntries(parts.entries())));
    expect(large).toBeInstanceOf(AggregateError);
  });

  it('are summarized whatever their texts are', () => {
    const parts = Object.fromEntries(Array.from({ length: 100 }, (_, no) => [`p${no}`, `${no}`.padEnd(100_000, 'x')]));
    const odd = Object.assign(new RangeError('e'), parts, { message: { a: 1 }, name: 7 });
    expect(through(odd)).toBeInstanceOf(RangeError);
    const hostile = Object.defineProperty(Object.assign(new RangeError('e'), parts), 'name', { get: trap });
    expect(through(hostile)).toMatchObject({ name: 'Error', message: 'e' });
  });

  it('keep their class and their short facts when what they carry is too large', () => {
    const parts = Array.from({ length: 100 }, (_, no) => [`part${no}`, `${no}`.padEnd(100_000, 'x')]);
    const error = Object.create(Declined.prototype) as Declined;
    Object.assign(error, {
      message: 'declined',
      ...Object.fromEntries(parts),
      reason: 'limit',
      status: 402,
      callback: trap,
    });
    const decoded = through(error);
    expect(decoded).toBeInstanceOf(Declined);
    expect(decoded).toMatchObject({ message: 'declined', reason: 'limit', status: 402 });
    expect(Object.keys(decoded as object)).not.toContain('part0');
  });

  it('keep sixteen causes of a longer chain, each with a stack of its own', () => {
    let error = new Error('0');
    for (let no = 1; no < 10_000; no += 1) {
      error = new Error(`${no}`, { cause: error });
      error.stack = `${no}`.padEnd(50_000, 's');
    }
    let decoded = through(error) as Error | undefined;
    const messages: string[] = [];
    for (; decoded !== undefined; decoded = decoded.cause as Error | undefined) {
      messages.push(decoded.message);
      expect(decoded.stack?.length).toBeLessThanOrEqual(8_192);
    }
    expect(messages).toHaveLength(17);
    expect(messages[0]).toBe('9999');
  });

  it('end where errors lead to ever more errors', () => {
    let made = 0;
    const endless = (): Error => {
      made += 1;
      const more = { enumerable: true, get: endless };
      return Object.defineProperties(new Error('endless'), { left: more, right: more });
    };
    expect(through(endless())).toMatchObject({ message: 'endless' });
    expect(made).toBeLessThan(10_000);
  });

  it('come back as the class of this realm', () => {
    const decoded = through(runInNewContext('Object.assign(new TypeError("t"), { code: "E" })'));
    expect(decoded).toBeInstanceOf(TypeError);
    expect(decoded).toMatchObject({ message: 't', code: 'E' });
    expect(through(new DOMException('gone', 'AbortError'))).toMatchObject({ name: 'AbortError', message: 'gone' });
  });

  it('refuses two classes of one name', () => {
    const other = { Declined: class Declined extends Error {} }.Declined;
    expect(() => createCodec({ errorClasses: [Declined, other], maxBytes: 1 })).toThrow('Declined');
  });
});

function trap(): never {
  throw new Error('trap');
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function trappedError(): Error {
  return new Proxy(new Error('e'), {
    get: trap,
    getOwnPropertyDescriptor: trap,
    getPrototypeOf: trap,
    has: trap,
    ownKeys: trap,
  });
}

function detached(): Uint8Array {
  const view = new Uint8Array(2);
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}
