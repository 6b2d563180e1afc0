/**
 * What is compared: the framework alone; with the middleware of its adapter mounted; and with the route itself made
 * idempotent, for clients that send keys.
 */
export const variants = ['bare', 'mounted', 'idempotent'] as const;

export type Variant = (typeof variants)[number];

export const frameworks = ['Express 4', 'Express 5', 'Nest on Express', 'Nest on Fastify'] as const;

export type Framework = (typeof frameworks)[number];

/** How a server is started. */
export interface ServerOptions {
  readonly framework: Framework;
  readonly variant: Variant;
  readonly databaseUrl: string;
}

/** What every server answers. */
export const answerTo = (body: unknown): object => ({ received: body, id: 'order-1', status: 'accepted' });
