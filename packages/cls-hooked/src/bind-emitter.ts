import type { EventEmitter } from 'node:events';

type Listener = (this: unknown, ...args: unknown[]) => unknown;
type Add = (event: string | symbol, listener: Listener) => EventEmitter;

/** What Node's emitters look at, too, to find a listener that something else stands for. */
interface StandIn extends Listener {
  listener?: Listener;
}

type Wrap = (listener: Listener) => Listener;

/** Where an emitter has what its listeners are wrapped by; the same for all copies of this package. */
const key = Symbol.for('perdure.cls-hooked.wraps.v1');

/**
 * Has every listener that is added to an emitter from now on replaced by what `wrap` makes of it, and by what other owners
 * make of that. Each owner has one wrap, and a listener one stand-in: inside of another it could not remove itself.
 */
export function bindEmitter(emitter: EventEmitter, owner: object, wrap: Wrap): void {
  const holder = emitter as { [key]?: Map<object, Wrap> };
  const known = Object.hasOwn(emitter, key) ? holder[key] : undefined;
  const wraps = known ?? new Map<object, Wrap>();
  wraps.set(owner, wrap);
  if (known !== undefined) return;
  holder[key] = wraps;
  replaceMethods(emitter, (listener) => [...wraps.values()].reduce((wrapped, outer) => outer(wrapped), listener));
}

function replaceMethods(emitter: EventEmitter, wrap: Wrap): void {
  const methods = emitter as unknown as Record<string, Add>;
  const original = (name: string): Add => (methods[name] as Add).bind(emitter);
  const [append, prepend] = [original('on'), original('prependListener')];

  const always =
    (add: Add): Add =>
    (event, listener) =>
      add(event, standingInFor(listener, wrap(listener)));

  // Node's own `once` would add a listener of its own, by which nobody finds the original one.
  const once =
    (add: Add): Add =>
    (event, listener) => {
      const wrapped = wrap(listener);
      const standIn: Listener = function (...args) {
        emitter.removeListener(event, standIn);
        return wrapped.apply(this, args);
      };
      return add(event, standingInFor(listener, standIn));
    };

  methods['on'] = always(append);
  methods['addListener'] = methods['on'];
  methods['prependListener'] = always(prepend);
  methods['once'] = once(append);
  methods['prependOnceListener'] = once(prepend);
}

function standingInFor(listener: StandIn, standIn: StandIn): Listener {
  if (standIn !== listener) standIn.listener = listener.listener ?? listener;
  return standIn;
}
