/** A response that is at hand as a whole. */
export interface HttpResponse {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
}

/** Statuses that have no body; a `Response` refuses one. */
const bodiless = new Set([101, 204, 205, 304]);

export const isBodiless = (status: number): boolean => bodiless.has(status);

export function toWebResponse({ status, headers, body }: HttpResponse): Response {
  // The copy has a buffer of its own, which is what a Response takes.
  const content = typeof body === 'string' || body === null ? body : new Uint8Array(body);
  return new Response(isBodiless(status) ? null : content, { status, headers: { ...headers } });
}

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(body),
  };
}
