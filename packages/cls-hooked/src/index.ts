export { createNamespace, destroyNamespace, ERROR_SYMBOL, getNamespace, Namespace, reset } from './namespaces.js';
export type { NamespaceContext } from './namespace.js';
export { namespaceCarrier } from './namespace-carrier.js';
export type { NamespaceCarrier, NamespaceLike } from './namespace-carrier.js';
