import assert from 'node:assert';
import { AsyncLocalStorage, executionAsyncId } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import { bindEmitter } from './bind-emitter.js';

/** The values of a context; those of the contexts around it shine through. */
export type NamespaceContext = Record<string, unknown>;

/** Where an error says in which context it was thrown. */
export const ERROR_SYMBOL = 'error@context';

/** A context that was entered, and those that were active before it. */
interface Frame {
  readonly context: NamespaceContext;
  readonly outer: Frame | null; // null = none was active
}

/** A namespace as cls-hooked has it: values that follow the flow of calls, callbacks and promises. */
export class Namespace {
  readonly name: string;
  readonly id = executionAsyncId();
  readonly #frames = new AsyncLocalStorage<Frame | null>();

  constructor(name: string) {
    this.name = name;
  }

  /** The context in which the calling code runs. */
  get active(): NamespaceContext | null {
    return this.#frame?.context ?? null;
  }

  /** @throws {Error} outside of any context */
  set<T>(key: string, value: T): T {
    const { active } = this;
    if (active === null) throw new Error('No context available. ns.run() or ns.bind() must be called first.');
    active[key] = value;
    return value;
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as in the types of cls-hooked, which it stands in for
  get<T = unknown>(key: string): T | undefined {
    return this.active?.[key] as T | undefined;
  }

  /** A context inside the active one: it sees its values, and keeps its own to itself. */
  createContext(): NamespaceContext {
    const context = Object.create(this.active ?? Object.prototype) as NamespaceContext;
    context['_ns_name'] = this.name;
    context['id'] = executionAsyncId();
    return context;
  }

  /** Calls a function in a new context, and answers with the context. */
  run(fn: (context: NamespaceContext) => unknown): NamespaceContext {
    const context = this.createContext();
    this.#within(context, () => fn(context));
    return context;
  }

  /** Calls a function in a new context, and answers with what it returns. */
  runAndReturn<T>(fn: (context: NamespaceContext) => T): T {
    const context = this.createContext();
    return this.#within(context, () => fn(context));
  }

  /** @throws {Error} if the function returns no promise */
  runPromise<T>(fn: (context: NamespaceContext) => Promise<T>): Promise<T> {
    const context = this.createContext();
    const promise: unknown = this.#within(context, () => fn(context));
    if (!isPromise<T>(promise)) throw new Error('fn must return a promise.');
    return promise.catch((error: unknown) => {
      mark(error, context);
      throw error;
    });
  }

  /** The same function, which is called in this context: the active one by default, or a new one where there is none. */
  bind<This, Args extends unknown[], Result>(
    fn: (this: This, ...args: Args) => Result,
    context: NamespaceContext = this.active ?? this.createContext(),
  ): (this: This, ...args: Args) => Result {
    const within = <T>(call: () => T): T => this.#within(context, call);
    return function (...args) {
      return within(() => fn.apply(this, args));
    };
  }

  /** Listeners that are added from now on are called in the context in which they were added. */
  bindEmitter(emitter: EventEmitter): void {
    assert.ok(typeof emitter.on === 'function' && typeof emitter.emit === 'function', 'can only bind real EEs');
    bindEmitter(emitter, this, (listener) => (this.active === null ? listener : this.bind(listener)));
  }

  /** The context in which an error was thrown. */
  fromException(exception: object): NamespaceContext | undefined {
    return (exception as { readonly [ERROR_SYMBOL]?: NamespaceContext })[ERROR_SYMBOL];
  }

  /** Makes a context the active one, from here on; `run` and `bind` are better, because they end by themselves. */
  enter(context: NamespaceContext): void {
    assert.ok(context, 'context must be provided for entering');
    this.#frames.enterWith({ context, outer: this.#frame });
  }

  /** Undoes {@link enter}, also if other contexts were entered since. */
  exit(context: NamespaceContext): void {
    assert.ok(context, 'context must be provided for exiting');
    this.#frames.enterWith(without(context, this.#frame));
  }

  get #frame(): Frame | null {
    return this.#frames.getStore() ?? null;
  }

  #within<T>(context: NamespaceContext, call: () => T): T {
    return this.#frames.run({ context, outer: this.#frame }, () => {
      try {
        return call();
      } catch (error) {
        mark(error, context);
        throw error;
      }
    });
  }
}

function without(context: NamespaceContext, frame: Frame | null): Frame | null {
  assert.ok(frame !== null, "context not currently entered; can't exit.");
  if (frame.context === context) return frame.outer;
  return { context: frame.context, outer: without(context, frame.outer) };
}

function mark(error: unknown, context: NamespaceContext): void {
  if (typeof error === 'object' && error !== null && Object.isExtensible(error)) {
    (error as { [ERROR_SYMBOL]?: NamespaceContext })[ERROR_SYMBOL] = context;
  }
}

function isPromise<T>(value: unknown): value is Promise<T> {
  const { then, catch: caught } = (value ?? {}) as Partial<Promise<T>>;
  return typeof then === 'function' && typeof caught === 'function';
}
