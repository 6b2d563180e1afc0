import type { HttpExchange } from './exchange.js';
import type { FingerprintOptions } from './fingerprint.js';
import { HttpProblem } from './problem.js';
import { checkReplayed, replayedHeaders } from './stored-response.js';

/** How a route treats keys. Set for all routes at the adapter, and overruled at a route. */
export interface RouteOptions<Req> {
  /** The header that brings the key (`Idempotency-Key` by default), or where else a request has it: a webhook's own id, say. */
  readonly key?: string | ((request: Req) => string | undefined);
  /** Whether a request without a key is refused with 400; true by default. */
  readonly required?: boolean;
  /** `lenient` (default) also accepts keys without quotes. */
  readonly syntax?: 'strict' | 'lenient';
  /** What keys must look like. */
  readonly format?: 'uuid' | RegExp;
  /** The methods that keys are for; POST and PATCH by default. Other requests are handled as if there were no key. */
  readonly methods?: readonly string[];
  /** What makes a request the same request again: method, path and body by default. `false`: the key alone. */
  readonly fingerprint?: FingerprintOptions | ((request: Req) => string | Promise<string>) | false;
  /** What a repeated request gets while the first one is under way: its answer (`join`, default), 409 or 202. */
  readonly onConcurrent?: 'join' | 'conflict' | 'accept';
  /** How long a repeated request waits for the answer to the first, before it gets 409; 25 s by default. */
  readonly waitMs?: number;
  /** How many repeated requests wait for one answer in a process; further ones get 409. 100 by default. */
  readonly maxJoiners?: number;
  /** `sync` (default): the answer is the result. `async`: 202 and a Location. `auto`: 202 for `Prefer: respond-async`. */
  readonly mode?: 'sync' | 'async' | 'auto';
  /** What becomes of a run whose client goes away: `continue` (default), or `cancel`. */
  readonly onDisconnect?: 'continue' | 'cancel';
  /** Headers of a handler's response that are stored and sent again. */
  readonly replayHeaders?: readonly string[];
  /** Larger bodies are refused with 413, in bytes; 1 MiB by default. */
  readonly maxBody?: number;
  /** Larger responses of handlers are sent but not kept, in bytes; 1 MiB by default. */
  readonly maxStoredBody?: number;
  /** How long after its completion a key is remembered; 24 h by default. `null`: for as long as its run is. */
  readonly ttlMs?: number | null;
  /** How long a plain handler may take to answer; 5 min by default. */
  readonly handlerTimeoutMs?: number;
}

/** What an adapter is made with. */
export interface HttpOptions<Req> extends RouteOptions<Req> {
  /**
   * Who asks, as the server knows it: a user's id, an API client's. Keys and runs of one principal are out of reach for
   * all others. Not a token, which changes while the client stays the same.
   */
  readonly principal?: (request: Req) => string | null | undefined | Promise<string | null | undefined>;
  /** What else of a request is stored with the runs that it starts; plain data without secrets. */
  readonly context?: (request: Req) => Readonly<Record<string, unknown>>;
  /** Who may look at a run or cancel it, by default nobody. `owner`: the principal whose request started it. */
  readonly authorize?: Authorize<Req> | 'owner';
  /** Where the run endpoints are mounted, for Location; `/runs` by default. */
  readonly runsPath?: string;
  /**
   * What the endpoint for events sends of a run: the streams and events that are named, or whatever a function gives; its
   * status by default.
   */
  readonly events?: Published | RunEvents;
  /** Where you document your use of keys; problems link to it. */
  readonly docsUrl?: string;
  /** How long a start may take before the client gets 503, as while the database is away; 10 s by default. */
  readonly startTimeoutMs?: number;
  /** Keeps the keys of applications apart that share a schema. */
  readonly namespace?: string;
}

export type RunAction = 'status' | 'result' | 'cancel' | 'events';

export type Authorize<Req> = (
  request: Req,
  asked: { readonly action: RunAction; readonly runId: string; readonly isOwner: boolean },
) => boolean | Promise<boolean>;

/** What runs publish that their clients may have, by name. */
export interface Published {
  /** Of `stream(name)`. */
  readonly streams?: readonly string[];
  /** Of `setEvent(key, …)`. */
  readonly events?: readonly string[];
}

/** One event of a run; `id` is its place in the order, for a client that comes back. */
export interface RunEvent {
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
}

/** The events of a run after a place in their order (null = from the first), until the last one, or until the signal aborts. */
export type RunEvents = (
  runId: string,
  options: { readonly after: string | null; readonly signal: AbortSignal },
) => AsyncIterable<RunEvent>;

/** Every option of a route present and checked. The only place where defaults live. */
export interface ResolvedRoute<Req> {
  readonly keyOf: (exchange: HttpExchange<Req>) => string | null;
  readonly keyHeader: string | null;
  readonly required: boolean;
  readonly syntax: 'strict' | 'lenient';
  readonly format: 'uuid' | RegExp | null;
  readonly methods: ReadonlySet<string>;
  readonly fingerprint: NonNullable<RouteOptions<Req>['fingerprint']>;
  readonly onConcurrent: 'join' | 'conflict' | 'accept';
  readonly waitMs: number;
  readonly joinersMax: number;
  readonly mode: 'sync' | 'async' | 'auto';
  readonly onDisconnect: 'continue' | 'cancel';
  readonly replayHeaders: readonly string[];
  readonly bodyBytesMax: number;
  readonly storedBytesMax: number;
  readonly ttlMs: number | null;
  readonly handlerTimeoutMs: number;
}

export function resolveRoute<Req>(options: RouteOptions<Req>): ResolvedRoute<Req> {
  const key = options.key ?? 'idempotency-key';
  const header = typeof key === 'string' ? key.toLowerCase() : null;
  return {
    keyOf: (exchange) =>
      typeof key === 'string' ? exchange.header(key.toLowerCase()) : (key(exchange.request) ?? null),
    keyHeader: header,
    required: options.required ?? true,
    syntax: options.syntax ?? 'lenient',
    format: options.format ?? null,
    methods: new Set((options.methods ?? ['POST', 'PATCH']).map((method) => method.toUpperCase())),
    fingerprint: options.fingerprint ?? {},
    onConcurrent: options.onConcurrent ?? 'join',
    waitMs: timerMs(0, options.waitMs ?? 25_000, 'waitMs'),
    joinersMax: atLeast(0, options.maxJoiners ?? 100, 'maxJoiners'),
    mode: options.mode ?? 'sync',
    onDisconnect: options.onDisconnect ?? 'continue',
    replayHeaders: checkReplayed(options.replayHeaders ?? replayedHeaders),
    bodyBytesMax: atLeast(1, options.maxBody ?? mebibyte, 'maxBody'),
    storedBytesMax: atLeast(1, options.maxStoredBody ?? mebibyte, 'maxStoredBody'),
    ttlMs: options.ttlMs === null ? null : atLeast(1, options.ttlMs ?? 86_400_000, 'ttlMs'),
    handlerTimeoutMs: timerMs(1, options.handlerTimeoutMs ?? 300_000, 'handlerTimeoutMs'),
  };
}

const mebibyte = 1024 * 1024;

function atLeast(min: number, value: number, option: string): number {
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new RangeError(`${option} must be a whole number of at least ${min}, not ${String(value)}`);
}

/** Beyond this a timer of Node fires at once. */
const timerMsMax = 2 ** 31 - 1;

/** @throws {RangeError} for what no timer can wait for */
export function timerMs(min: number, value: number, option: string): number {
  if (Number.isSafeInteger(value) && value >= min && value <= timerMsMax) return value;
  throw new RangeError(`${option} must be a whole number from ${min} to ${timerMsMax}, not ${String(value)}`);
}

/** What a route answers to a request that has no key but needs one. */
export const keyMissing = (header: string | null): HttpProblem =>
  new HttpProblem(
    400,
    'key-missing',
    'Idempotency key missing',
    header === null
      ? 'This request needs an idempotency key.'
      : `This request needs an idempotency key in the header ${header}. Make one up for each operation, and send it again with each retry.`,
  );
