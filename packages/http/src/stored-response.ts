import { type HttpResponse, json } from './http-response.js';
import { HttpProblem } from './problem.js';

/**
 * A bigint, because no JSON that a client sends can hold one: a workflow that returns its input as it came must not let
 * the client choose status and headers.
 */
const version = 1n;
const marker = 'perdure.http.response';
const interruption = 'perdure.http.interrupted';

/** A response as it is stored, in the result of a run. */
export interface ResponseRecord {
  readonly [marker]: bigint;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A text, bytes, or a value to be sent as JSON; null for none, or for one that was not kept. */
  readonly body: { readonly text: string } | { readonly bytes: Uint8Array } | { readonly json: unknown } | null;
  /** Which request made it; null for one that a workflow returned. */
  readonly exchangeId: string | null;
  /** Why the body was not kept, and what it was. */
  readonly omitted?: Omitted | undefined;
}

export interface Omitted {
  readonly bytes: number | null; // null = not known when it was stored
  readonly sha256: string | null; // null = not known when it was stored
}

/** What the run of a request with a plain handler results in. */
export type RequestOutcome = ResponseRecord | Interrupted;

/** The run was taken over where nobody repeated the request, so nobody could run its handler. */
export interface Interrupted {
  readonly [interruption]: bigint;
  /** What the workflows that its handler starts are named after; when it runs again, it is to find them. */
  readonly origin: string;
}

export const interrupted = (origin: string): Interrupted => ({ [interruption]: version, origin });

export function isInterrupted(value: unknown): value is Interrupted {
  return isMarked(value, interruption);
}

/** Headers that are true of one response, or of one connection, only. */
const neverReplayed: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** @throws {RangeError} for a header that must not be sent again */
export function checkReplayed(names: readonly string[]): readonly string[] {
  const lowerCase = names.map((name) => name.toLowerCase());
  const wrong = lowerCase.find((name) => neverReplayed.has(name));
  if (wrong === undefined) return lowerCase;
  throw new RangeError(`replayHeaders must not list ${wrong}, which belongs to one response or connection`);
}

/** Headers that are true of a response whenever it is sent again. Cookies, dates, hops, CORS and traces are not. */
export const replayedHeaders: readonly string[] = [
  'content-type',
  'content-encoding',
  'content-language',
  'content-disposition',
  'location',
  'link',
  'etag',
];

/**
 * What a workflow returns to say which response it wants; anything else that it returns is sent as JSON with status 200.
 *
 * @example
 * return reply(201, order, { location: `/orders/${order.id}` });
 */
export function reply(status: number, body?: unknown, headers: Readonly<Record<string, string>> = {}): ResponseRecord {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new RangeError(`A reply has a status from 200 to 599, not ${status}`);
  }
  const lowerCase = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    [marker]: version,
    status,
    headers: { ...typeOf(body), ...lowerCase },
    body: bodyOf(body),
    exchangeId: null,
  };
}

function typeOf(body: unknown): Record<string, string> {
  if (typeof body === 'string') return { 'content-type': 'text/plain; charset=utf-8' };
  return body instanceof Uint8Array ? { 'content-type': 'application/octet-stream' } : {};
}

function bodyOf(body: unknown): ResponseRecord['body'] {
  if (body === undefined) return null;
  if (typeof body === 'string') return { text: body };
  return body instanceof Uint8Array ? { bytes: body } : { json: body };
}

/** A response that was sent, or is about to be, as it is to be stored. */
export function recordOf(
  response: {
    readonly status: number;
    readonly headers: Iterable<readonly [string, string]>;
    readonly body: Uint8Array;
  },
  options: { readonly exchangeId: string; readonly headers: readonly string[] },
): ResponseRecord {
  const kept = headersToKeep(response.headers, options.headers);
  const body = response.body.length === 0 ? null : textOrBytes(response.body);
  return { [marker]: version, status: response.status, headers: kept, body, exchangeId: options.exchangeId };
}

/** A response that is too large to store: what it was is known, but it cannot be sent again. */
export function omittedRecord(
  response: { readonly status: number; readonly headers: Iterable<readonly [string, string]> },
  omitted: Omitted,
  options: { readonly exchangeId: string; readonly headers: readonly string[] },
): ResponseRecord {
  const { status, headers } = response;
  const kept = headersToKeep(headers, options.headers);
  return { [marker]: version, status, headers: kept, body: null, exchangeId: options.exchangeId, omitted };
}

function headersToKeep(headers: Iterable<readonly [string, string]>, names: readonly string[]): Record<string, string> {
  const kept = [...headers].map(([name, value]) => [name.toLowerCase(), value] as const);
  return Object.fromEntries(kept.filter(([name]) => names.includes(name)));
}

/** Text is stored as such, for people to read, unless its escapes would take more room than bytes do. */
function textOrBytes(bytes: Uint8Array): ResponseRecord['body'] {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return JSON.stringify(text).length <= bytes.length * 1.3 + 16 ? { text } : { bytes };
  } catch {
    return { bytes };
  }
}

export function isResponseRecord(value: unknown): value is ResponseRecord {
  return isMarked(value, marker);
}

function isMarked(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && (value as Record<string, unknown>)[name] === version;
}

/**
 * The response that a run's result is sent as.
 *
 * @throws {HttpProblem} 409 for a response that was too large to be kept
 */
export function responseOfResult(value: unknown): HttpResponse {
  if (!isResponseRecord(value)) {
    return value === undefined ? { status: 204, headers: {}, body: null } : json(200, value);
  }
  const { status, headers, body, omitted } = value;
  if (omitted !== undefined) throw notReplayable(status, omitted);
  if (body === null) return { status, headers, body: null };
  if ('json' in body) return json(status, body.json, headers);
  return { status, headers, body: 'text' in body ? body.text : body.bytes };
}

/** A handler's value as it is to be stored, where no response is sent and values are what callers get. */
export function recordOfValue(value: unknown, exchangeId: string): ResponseRecord {
  return { [marker]: version, status: 200, headers: {}, body: bodyOf(value), exchangeId };
}

/**
 * The value that a run's result holds, for callers that know nothing of HTTP.
 *
 * @throws {HttpProblem} 409 for one that was too large to be kept
 */
export function valueOfResult(value: unknown): unknown {
  if (!isResponseRecord(value)) return value;
  const { status, body, omitted } = value;
  if (omitted !== undefined) throw notReplayable(status, omitted);
  if (body === null) return undefined;
  if ('json' in body) return body.json;
  return 'text' in body ? body.text : body.bytes;
}

const notReplayable = (status: number, { bytes, sha256 }: Omitted): HttpProblem =>
  new HttpProblem(
    409,
    'response-not-replayable',
    'Response not replayable',
    'This request was completed, but its response was too large to be kept. It is not done again.',
    { members: { original: { status, bytes, sha256 } } },
  );
