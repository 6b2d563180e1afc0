import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface ClosingShield {
  /** Shows everything as it is, and tells those who wait for it that the response has closed, if it has meanwhile. */
  lift(): void;
}

/**
 * Keeps from the one who writes a response that its client has gone: pipes would stop, files would not be read to their end,
 * and what is to be stored would never be complete. A response tells of it by an event, by what it says of itself, and by
 * its socket, which is its request's. The request itself still says so.
 */
export function shieldFromClosing(response: ServerResponse): ClosingShield {
  const request = response.req;
  const emit = response.emit.bind(response) as (event: string, ...args: unknown[]) => boolean;
  let isUp = true;
  let hasClosed = false; // since the shield is up
  const shown: Readonly<Record<string, unknown>> = {
    destroyed: false,
    _closed: false,
    socket: openSocket(response.socket),
    emit: (event: string, ...args: unknown[]): boolean => {
      if (event !== 'close') return emit(event, ...args);
      hasClosed = true;
      return false;
    },
  };
  const properties = Object.entries(shown).map(([name, value]) => new ShownProperty(response, name, value));
  properties.push(new ShownProperty(request, 'socket', openSocket(request.socket)));

  return {
    lift() {
      if (!isUp) return;
      isUp = false;
      for (const property of properties) property.restore();
      if (hasClosed) response.emit('close');
    },
  };
}

/** A property that seems to have a value, whatever it is set to. */
class ShownProperty {
  readonly #object: Record<string, unknown>;
  readonly #name: string;
  readonly #own: PropertyDescriptor | undefined;
  #set: { readonly value: unknown } | null = null; // null = not meanwhile

  constructor(object: object, name: string, value: unknown) {
    this.#object = object as Record<string, unknown>;
    this.#name = name;
    this.#own = Object.getOwnPropertyDescriptor(object, name);
    Object.defineProperty(object, name, {
      configurable: true,
      enumerable: this.#own?.enumerable ?? false,
      get: () => value,
      set: (given: unknown) => {
        this.#set = { value: given };
      },
    });
  }

  restore(): void {
    if (this.#own === undefined) Reflect.deleteProperty(this.#object, this.#name);
    else Object.defineProperty(this.#object, this.#name, this.#own);
    if (this.#set !== null) this.#object[this.#name] = this.#set.value;
  }
}

const endings: ReadonlySet<unknown> = new Set(['close', 'error']);
const listening: ReadonlySet<unknown> = new Set([
  'on',
  'once',
  'addListener',
  'prependListener',
  'prependOnceListener',
]);

/**
 * A socket as it looks while its client is there. Responses in a row have none before their turn, and those made for tests
 * may have none at all.
 */
function openSocket<None extends null | undefined>(socket: Socket | None): Socket | None {
  if (socket === null || socket === undefined) return socket;
  return new Proxy(socket, {
    get(_target, name) {
      if (name === 'writable') return true;
      if (name === 'destroyed' || name === 'closed') return false;
      const member: unknown = Reflect.get(socket, name, socket);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown =>
        listening.has(name) && endings.has(args[0]) ? socket : Reflect.apply(member, socket, args);
    },
  });
}
