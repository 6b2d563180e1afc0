import { EventEmitter } from 'node:events';
import clsHooked from 'cls-hooked';
import { describe, expect, it, vi } from 'vitest';
import * as own from './index.js';

const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

// What both have to do alike: this package stands in for the other one.
describe.each([
  ['@perdure/cls-hooked', own],
  ['cls-hooked', clsHooked as unknown as typeof own],
])('a namespace of %s', (_name, cls) => {
  const create = () => cls.createNamespace(`test ${Math.random()}`);

  it('keeps values through callbacks and promises, and nothing outside of a context', async () => {
    const ns = create();
    expect(ns.active).toBeNull();
    expect(ns.get('user')).toBeUndefined();
    expect(() => ns.set('user', 1)).toThrow('No context available');
    const seen: unknown[] = [];
    await new Promise<void>((resolve) => {
      ns.run(() => {
        expect(ns.set('user', 'ada')).toBe('ada');
        process.nextTick(() => seen.push(ns.get('user')));
        void later().then(async () => {
          await later();
          seen.push(ns.get('user'));
          setTimeout(() => {
            seen.push(ns.get('user'));
            resolve();
          }, 0);
        });
      });
    });
    expect(seen).toEqual(['ada', 'ada', 'ada']);
    expect(ns.active).toBeNull();
  });

  it('lets inner contexts see the values of outer ones, and keep their own', () => {
    const ns = create();
    ns.run((outer) => {
      ns.set('a', 1);
      ns.run((inner) => {
        expect(ns.get('a')).toBe(1);
        ns.set('a', 2);
        ns.set('b', 3);
        expect(Object.getPrototypeOf(inner)).toBe(outer);
      });
      expect([ns.get('a'), ns.get('b')]).toEqual([1, undefined]);
    });
  });

  it('answers with the context, the value or the promise, as it is asked to run', async () => {
    const ns = create();
    const context = ns.run(() => ns.set('a', 1));
    expect(context['a']).toBe(1);
    expect(ns.runAndReturn(() => 'value')).toBe('value');
    const promised = ns.runPromise(async () => {
      ns.set('a', 1);
      await later();
      return ns.get('a');
    });
    expect(await promised).toBe(1);
    expect(() => ns.runPromise((() => 5) as never)).toThrow('fn must return a promise');
  });

  it('binds functions to a context, with their this, arguments and result', () => {
    const ns = create();
    const bound = ns.runAndReturn(() => {
      ns.set('a', 1);
      return ns.bind(function (this: { readonly b: number }, c: number) {
        return [ns.get('a'), this.b, c];
      });
    });
    expect(bound.call({ b: 2 }, 3)).toEqual([1, 2, 3]);
    const context = ns.createContext();
    context['a'] = 'given';
    expect(ns.bind(() => ns.get('a'), context)()).toBe('given');
    expect(ns.bind(() => ns.set('fresh', true))()).toBe(true);
    expect(ns.active).toBeNull();
  });

  it('calls the listeners of a bound emitter in the context in which they were added, and lets them be removed', () => {
    const ns = create();
    const emitter = new EventEmitter();
    ns.bindEmitter(emitter);
    const seen: unknown[] = [];
    const listener = () => seen.push(['always', ns.get('a')]);
    const single = () => seen.push(['once', ns.get('a')]);
    const removed = () => seen.push('never');
    ns.run(() => {
      ns.set('a', 1);
      emitter.on('x', listener);
      emitter.once('x', single);
      emitter.on('x', removed);
    });
    emitter.removeListener('x', removed);
    ns.run(() => {
      ns.set('a', 2);
      emitter.emit('x');
    });
    emitter.emit('x');
    expect(seen).toEqual([
      ['always', 1],
      ['once', 1],
      ['always', 1],
    ]);
    emitter.removeListener('x', listener);
    expect(emitter.emit('x')).toBe(false);
  });

  it.each([
    ['once', 1, 1],
    ['twice', 1, 2],
    ['by two namespaces', 2, 1],
  ])('calls each listener as often as it is to be called where an emitter is bound %s', (_, count, times) => {
    const all = Array.from({ length: count }, create);
    const emitter = new EventEmitter();
    for (const ns of all) for (let no = 0; no < times; no += 1) ns.bindEmitter(emitter);
    /** Calls a function in a context of each of them. */
    const within = (value: number, fn: () => void, [ns, ...others] = all): void => {
      if (ns === undefined) return fn();
      ns.run(() => {
        ns.set('a', value);
        within(value, fn, others);
      });
    };
    const seen: unknown[] = [];
    const listener = (name: string) => () => seen.push([name, ...all.map((ns) => ns.get('a'))]);
    const [always, both, removed] = [listener('always'), listener('both'), listener('removed')];
    within(1, () => {
      emitter.on('x', always);
      emitter.once('x', listener('once'));
      emitter.once('x', both);
      emitter.on('x', both);
      emitter.on('x', removed);
      emitter.once('x', removed);
    });
    emitter.removeListener('x', removed);
    emitter.removeListener('x', removed);
    within(2, () => {
      emitter.emit('x');
      emitter.emit('x');
    });
    const names = ['always', 'once', 'both', 'both', 'always', 'both'];
    expect(seen).toEqual(names.map((name) => [name, ...all.map(() => 1)]));
    emitter.removeListener('x', always);
    emitter.removeListener('x', both);
    expect(emitter.emit('x')).toBe(false);
  });

  it('tells in which context an error was thrown', async () => {
    const ns = create();
    const error = new Error('thrown');
    const thrown = () =>
      ns.run(() => {
        ns.set('a', 1);
        throw error;
      });
    expect(thrown).toThrow(error);
    expect(ns.fromException(error)?.['a']).toBe(1);
    const rejected = new Error('rejected');
    await expect(ns.runPromise(() => Promise.reject(rejected))).rejects.toBe(rejected);
    expect(ns.fromException(rejected)?.['_ns_name']).toBe(ns.name);
  });

  it('enters and leaves contexts by hand, in any order', () => {
    const ns = create();
    const [a, b] = [ns.createContext(), ns.createContext()];
    ns.enter(a);
    ns.enter(b);
    expect(ns.active).toBe(b);
    ns.exit(a);
    expect(ns.active).toBe(b);
    ns.exit(b);
    expect(ns.active).toBeNull();
    expect(() => ns.exit(a)).toThrow(/not currently entered/);
  });

  it('is found by its name until it is destroyed', () => {
    const { name } = cls.createNamespace('named');
    expect(cls.getNamespace(name)?.name).toBe('named');
    cls.destroyNamespace(name);
    expect(cls.getNamespace(name) ?? null).toBeNull();
    expect(() => cls.destroyNamespace(name)).toThrow("can't delete nonexistent namespace");
    expect(() => cls.createNamespace('')).toThrow('must be given a name');
  });
});

describe('@perdure/cls-hooked', () => {
  it('has one set of namespaces in a process, however often it is loaded', async () => {
    const ns = own.createNamespace('shared');
    vi.resetModules();
    const copy = await import('./index.js');
    expect(copy.createNamespace).not.toBe(own.createNamespace);
    expect(copy.getNamespace('shared')).toBe(ns);
    expect((process as { namespaces?: Record<string, unknown> }).namespaces?.['shared']).toBe(ns);
    own.destroyNamespace('shared');
    expect(copy.getNamespace('shared')).toBeUndefined();
  });

  it('keeps apart what runs at the same time', async () => {
    const ns = own.createNamespace('parallel');
    const seen = await Promise.all(
      Array.from({ length: 100 }, (_, no) =>
        ns.runPromise(async () => {
          ns.set('no', no);
          await later();
          await new Promise((resolve) => setTimeout(resolve, no % 3));
          return ns.get('no');
        }),
      ),
    );
    expect(seen).toEqual(Array.from({ length: 100 }, (_, no) => no));
  });

  it.each([
    ['this package', own.createNamespace],
    ['cls-hooked', clsHooked.createNamespace as typeof own.createNamespace],
  ])('carries the values of a namespace of %s that it is told to, each time into a context of its own', (_, create) => {
    const ns = create('carried');
    const carrier = own.namespaceCarrier(ns, ['tenant', 'user']);
    expect(carrier.capture()).toBeUndefined();
    const values = ns.runAndReturn(() => {
      ns.set('tenant', 'acme');
      ns.set('transaction', { live: true });
      return carrier.capture();
    });
    expect(values).toEqual({ tenant: 'acme' });
    const inRun = carrier.run(values!, () => {
      const seen = [ns.get('tenant'), ns.get('transaction')];
      ns.set('tenant', 'changed');
      return seen;
    });
    expect(inRun).toEqual(['acme', undefined]);
    expect(carrier.run(values!, () => ns.get('tenant'))).toBe('acme');
    expect(ns.get('tenant')).toBeUndefined();
  });
});
