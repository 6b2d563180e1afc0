import type { RequestScope } from './scope.js';

const key = Symbol.for('perdure.http.scope');

/** A framework's request, which remembers its scope: code that reads bodies may lose the AsyncLocalStorage. */
interface BoundRequest {
  [key]?: RequestScope;
}

export function boundScopeOf(request: object): RequestScope | undefined {
  return (request as BoundRequest)[key];
}

/**
 * A property, and no WeakMap: a scope refers to its request, and what a WeakMap holds by such a key survives every small
 * garbage collection. That costs more than all the rest that is done for a request without a key.
 */
export function bindScope(request: object, scope: RequestScope): void {
  if (Object.isExtensible(request)) (request as BoundRequest)[key] = scope;
}
