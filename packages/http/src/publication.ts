import { resolveRoute, type RouteOptions } from './options.js';

/** The names to list where a browser of another origin calls: `Access-Control-Allow-Headers` and `-Expose-Headers`. */
export const corsHeaders: { readonly allowed: readonly string[]; readonly exposed: readonly string[] } = {
  allowed: ['Content-Type', 'Idempotency-Key', 'Last-Event-ID', 'Prefer'],
  exposed: ['Idempotent-Replayed', 'Idempotency-Status', 'Link', 'Location', 'Preference-Applied', 'Retry-After'],
};

/**
 * What to merge into the OpenAPI description of an operation, so that clients can read how keys are used: the header, the
 * answers that come of it, and for how long a key is remembered.
 */
export function openApiFragment<Req>(options: RouteOptions<Req> = {}): Record<string, unknown> {
  const { required, ttlMs, keyHeader, mode, format } = resolveRoute(options);
  const remembered =
    ttlMs === null ? 'for as long as its result is kept' : `for ${ttlMs / 3_600_000} h after the request was completed`;
  const problem = (description: string) => ({
    description,
    content: { 'application/problem+json': { schema: { type: 'object' } } },
  });
  return {
    parameters: [
      {
        name: keyHeader ?? 'idempotency-key',
        in: 'header',
        required,
        description: `Identifies the operation. A request that is repeated with its key is done once, and gets the same response. A key is remembered ${remembered}.`,
        schema: { type: 'string', minLength: 1, maxLength: 255, ...(format === 'uuid' ? { format } : {}) },
      },
    ],
    responses: {
      ...(mode === 'sync' ? {} : { '202': { description: 'Accepted. Location says where the result will be.' } }),
      '400': problem('The key is missing or is not valid.'),
      '409': problem('A request with this key is being processed. Send it again later.'),
      '422': problem('The key was used before with another payload.'),
      '503': problem('The request cannot be made durable now. Send it again with the same key.'),
    },
  };
}
