/** What a namespace has to have: those of this package, of cls-hooked and of continuation-local-storage do. */
export interface NamespaceLike {
  readonly name?: string;
  readonly active: unknown;
  get(key: string): unknown;
  bind<T>(fn: () => T, context: Record<string, unknown>): () => T;
}

/** What the engine takes at the start of a run, stores with it, and puts back around its function and its steps. */
export interface NamespaceCarrier {
  readonly name: string;
  capture(): Readonly<Record<string, unknown>> | undefined;
  run<T>(values: Readonly<Record<string, unknown>>, fn: () => T): T;
}

/**
 * Carries values of a namespace into the runs that are started in it: they are stored with each run, and every execution of
 * its function and its steps has them again, in whichever process, and has nothing else. Each execution has a context of its
 * own: a transaction that is open where a run is started is not the run's.
 *
 * @param keys what is stored; plain data without secrets. Connections, transactions and other live things stay behind.
 *
 * @example
 * const perdure = await Perdure.launch({ carriers: [namespaceCarrier(session, ['tenantId', 'userId'])] });
 */
export function namespaceCarrier(namespace: NamespaceLike, keys: readonly string[]): NamespaceCarrier {
  return {
    name: `cls-hooked:${namespace.name ?? ''}`,
    capture() {
      if (namespace.active === null || namespace.active === undefined) return undefined;
      // Also where there are none: the run leaves the context behind.
      const values = keys.map((key): [string, unknown] => [key, namespace.get(key)]);
      return Object.fromEntries(values.filter(([, value]) => value !== undefined));
    },
    run: (values, fn) => namespace.bind(fn, { ...values })(),
  };
}
