import { randomUUID } from 'node:crypto';
import { request } from 'node:http';

export interface Sent {
  readonly key?: string | null; // null = no key
  readonly user?: string;
  readonly body?: unknown;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Received {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: unknown;
}

/** Sends a request, with a key of its own unless one is given; follows no redirects. */
export async function send(url: string, { key, user, body, method, headers, signal }: Sent = {}): Promise<Received> {
  const verb = method ?? 'POST';
  const isBodiless = verb === 'GET' || verb === 'HEAD' || body === undefined;
  const response = await fetch(url, {
    method: verb,
    redirect: 'manual',
    headers: {
      ...(isBodiless ? {} : { 'content-type': 'application/json' }),
      ...(key === null ? {} : { 'idempotency-key': key ?? `"${randomUUID()}"` }),
      ...(user === undefined ? {} : { 'x-user': user }),
      ...headers,
    },
    body: isBodiless ? null : typeof body === 'string' ? body : JSON.stringify(body),
    signal: signal ?? null,
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Sends header lines, method and target exactly as they are given, which `fetch` would not. */
export async function sendRaw(
  url: string,
  headers: readonly (readonly [string, string])[],
  target: { readonly method?: string; readonly path?: string } = {},
): Promise<{ readonly status: number; readonly text: string }> {
  return await new Promise((resolve, reject) => {
    // Given as a list, they are all that is sent.
    const lines = [['host', new URL(url).host], ...headers].flat();
    const sent = request(url, { method: 'POST', headers: lines, ...target });
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    sent.on('error', reject);
    sent.end();
  });
}
