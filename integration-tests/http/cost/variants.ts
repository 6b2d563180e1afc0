import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * What is compared: the framework alone; with middleware that does nothing, which is what the framework takes for any; with one
 * that does nothing but enter an AsyncLocalStorage, which is what Node takes for it besides; with the middleware of the adapter
 * mounted; and with the route itself made idempotent, for clients that send keys.
 */
export const variants = ['bare', 'empty', 'storage', 'mounted', 'idempotent'] as const;

export type Variant = (typeof variants)[number];

export const frameworks = ['Express 4', 'Express 5', 'Nest on Express', 'Nest on Fastify'] as const;

export type Framework = (typeof frameworks)[number];

/** How a process with a server of each variant is started. */
export interface ServerOptions {
  readonly framework: Framework;
  readonly variants: readonly Variant[];
  readonly databaseUrl: string;
}

/** What every server answers. */
export const answerTo = (body: unknown): object => ({ received: body, id: 'order-1', status: 'accepted' });

type Middleware = (request: unknown, response: unknown, next: () => void) => void;

/** The middleware of a variant without Perdure; null = none, or that of the adapter. */
export function middlewareOf(variant: Variant): Middleware | null {
  if (variant === 'empty') return (_request, _response, next) => next();
  if (variant !== 'storage') return null;
  const storage = new AsyncLocalStorage<object>();
  return (_request, _response, next) => storage.run({}, next);
}

export const isWithPerdure = (variant: Variant): boolean => variant === 'mounted' || variant === 'idempotent';
