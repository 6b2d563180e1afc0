import assert from 'node:assert';
import { Namespace } from './namespace.js';

export { ERROR_SYMBOL, Namespace } from './namespace.js';

const key = Symbol.for('perdure.cls-hooked.v1');

/** The one global of this package: it may be loaded as an ES module and as CommonJS, and in several bundles. */
function namespaces(): Map<string, Namespace> {
  const holder = globalThis as { [key]?: Map<string, Namespace> };
  return (holder[key] ??= new Map());
}

/** Makes a namespace, in place of one that has the name. */
export function createNamespace(name: string): Namespace {
  assert.ok(name, 'namespace must be given a name.');
  const namespace = new Namespace(name);
  namespaces().set(name, namespace);
  published()[name] = namespace;
  return namespace;
}

export function getNamespace(name: string): Namespace | undefined {
  return namespaces().get(name);
}

/** Forgets a namespace; whoever has it may go on to use it. */
export function destroyNamespace(name: string): void {
  assert.ok(namespaces().delete(name), `can't delete nonexistent namespace! "${name}"`);
  published()[name] = null;
}

/** Forgets all namespaces. */
export function reset(): void {
  for (const name of namespaces().keys()) destroyNamespace(name);
}

/** Where cls-hooked keeps its namespaces, and some libraries look for them. */
function published(): Record<string, unknown> {
  const holder = process as { namespaces?: Record<string, unknown> };
  return (holder.namespaces ??= {});
}
