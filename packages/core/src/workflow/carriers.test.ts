import { describe, expect, it } from 'vitest';
import { createCodec } from '../codec/codec.js';
import { type Carrier, carriedBytesMax, Carriers, checkCarriers } from './carriers.js';

const codec = createCodec({ errorClasses: [], maxBytes: carriedBytesMax });
const around = (name: string, run: Carrier['run']): Carrier => ({ name, capture: () => name, run });
const restoredBy = async (run: Carrier['run'], fn: () => Promise<unknown>): Promise<unknown> => {
  const carriers = new Carriers([around('a', run)], codec);
  return await carriers.restore('{"a":1}', fn);
};

describe('carriers', () => {
  it('are put back in their order, the first around the others', async () => {
    const order: string[] = [];
    const noting = (name: string): Carrier =>
      around(name, (value, fn) => {
        order.push(`${name} ${String(value)}`);
        return fn();
      });
    const carriers = new Carriers([noting('a'), noting('b'), noting('c')], codec);
    expect(await carriers.restore('{"c":3,"a":1}', async () => 'done')).toBe('done');
    expect(order).toEqual(['a 1', 'c 3']);
  });

  it('are given a value of their own each time', async () => {
    const values: unknown[] = [];
    const carriers = new Carriers(
      [
        around('a', (value, fn) => {
          values.push(value);
          return fn();
        }),
      ],
      codec,
    );
    await carriers.restore('{"a":{}}', async () => {});
    await carriers.restore('{"a":{}}', async () => {});
    expect(values).toEqual([{}, {}]);
    expect(values[0]).not.toBe(values[1]);
  });

  it('change neither the result nor the error of what they are put around', async () => {
    const thrown = new TypeError('its own');
    const late: Carrier['run'] = (_value, fn) => {
      fn();
      throw new Error('too late');
    };
    const swallowing = ((_value: unknown, fn: () => unknown) => {
      fn();
      return 'another';
    }) as Carrier['run'];
    const wrapping = (async (_value: unknown, fn: () => unknown) => await fn()) as Carrier['run'];
    for (const run of [late, swallowing, wrapping]) {
      expect(await restoredBy(run, async () => 'result')).toBe('result');
      await expect(restoredBy(run, () => Promise.reject(thrown))).rejects.toBe(thrown);
    }
  });

  it('call the function once, or it is their error', async () => {
    let calls = 0;
    const count = async (): Promise<number> => (calls += 1);
    const twice = ((_value: unknown, fn: () => unknown) => {
      fn();
      return fn();
    }) as Carrier['run'];
    expect(await restoredBy(twice, count)).toBe(1);
    const never = (() => undefined) as Carrier['run'];
    await expect((async () => await restoredBy(never, count))()).rejects.toMatchObject({
      code: 'PERDURE_CARRIER_FAILED',
      data: { carrier: 'a', during: 'run' },
    });
    expect(calls).toBe(1);
  });

  it('keep what other carriers brought, whatever their names are', () => {
    const own = new Carriers([around('toString', (_value, fn) => fn())], codec);
    const captured = own.capture('{"a":1}');
    expect('encoded' in captured && own.read(captured.encoded)).toEqual({ a: 1, toString: 'toString' });
    expect(new Carriers([], codec).capture('{"a":1}')).toEqual({ encoded: '{"a":1}' });
  });

  it('have names that hold, each its own', () => {
    const named = (name: string): Carrier => around(name, (_value, fn) => fn());
    for (const name of ['', 'x'.repeat(256), 'a\u0000']) {
      expect(() => checkCarriers([named(name)])).toThrow('name of a carrier');
    }
    expect(() => checkCarriers([named('a'), named('a')])).toThrow('Two carriers are named "a"');
  });
});
