import { PerdureError } from '@perdure/core';
import type { HttpResponse } from './http-response.js';

const brand: unique symbol = Symbol.for('perdure.http.problem') as never;

/** The stable codes of {@link HttpProblem}; match on these, not on texts. */
export type ProblemCode =
  | 'body-too-large'
  | 'cancelled'
  | 'concurrent-request'
  | 'cross-site'
  | 'forbidden'
  | 'handler-timeout'
  | 'interrupted'
  | 'invalid-id'
  | 'invalid-input'
  | 'key-invalid'
  | 'key-missing'
  | 'key-reused'
  | 'method-not-allowed'
  | 'not-found'
  | 'response-not-replayable'
  | 'run-failed'
  | 'timed-out'
  | 'unavailable';

interface ProblemOptions {
  readonly retryAfterSeconds?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
  /** Further members of the problem's body. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/**
 * An answer that says what is wrong with a request, as RFC 9457 has it. `status`, `statusCode`, `expose` and `headers` are
 * what Express, Koa and `http-errors` look at, so an error middleware that knows nothing of this class gets them right.
 * `instanceof` holds across copies of the package.
 */
export class HttpProblem extends Error {
  override readonly name: string = 'HttpProblem';
  readonly code: ProblemCode;
  readonly status: number;
  readonly statusCode: number;
  readonly expose = true;
  readonly title: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, unknown>>;
  readonly [brand] = true;

  constructor(status: number, code: ProblemCode, title: string, detail: string, options: ProblemOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    const { retryAfterSeconds } = options;
    this.code = code;
    this.status = status;
    this.statusCode = status;
    this.title = title;
    this.members = options.members ?? {};
    this.headers = {
      ...options.headers,
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    };
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** How a problem is shown to this client. */
export interface ProblemView {
  /** The request's Accept header. */
  readonly accept: string | null;
  /** Where the application documents its use of keys. */
  readonly docsUrl: string | null;
  /** The path of the request. */
  readonly instance?: string;
}

export function problemResponse(problem: HttpProblem, { accept, docsUrl, instance }: ProblemView): HttpResponse {
  const body = {
    type: docsUrl === null ? 'about:blank' : `${docsUrl}#${problem.code}`,
    title: problem.title,
    status: problem.status,
    detail: problem.message,
    ...(instance === undefined ? {} : { instance }),
    code: problem.code,
    ...problem.members,
  };
  return {
    status: problem.status,
    headers: {
      'content-type': wantsPlainJson(accept) ? 'application/json; charset=utf-8' : 'application/problem+json',
      'cache-control': 'no-store',
      ...(docsUrl === null ? {} : { link: `<${docsUrl}>; rel="describedby"` }),
      ...problem.headers,
    },
    body: JSON.stringify(body),
  };
}

/** A client that lists JSON, and neither problems nor everything, gets the same body under the type that it knows. */
function wantsPlainJson(accept: string | null): boolean {
  if (accept === null) return false;
  return /\bapplication\/json\b/i.test(accept) && !/application\/problem\+json|\*\/\*|application\/\*/i.test(accept);
}

/** What an error means over HTTP; null for one that is the application's own, which its error handling renders. */
export function problemOf(error: unknown): HttpProblem | null {
  if (error instanceof HttpProblem) return error;
  if (isStored(error)) return revived(error);
  if (!(error instanceof PerdureError)) return null;
  switch (error.code) {
    case 'PERDURE_WORKFLOW_CONFLICT':
      return keyReused();
    case 'PERDURE_INVALID_INPUT':
      return invalidInput(error);
    case 'PERDURE_PAYLOAD_TOO_LARGE':
      return new HttpProblem(413, 'body-too-large', 'Content too large', 'The input is larger than what is stored.');
    case 'PERDURE_DATABASE_CLOSED':
    case 'PERDURE_DATABASE_UNAVAILABLE':
    case 'PERDURE_DEADLINE':
    case 'PERDURE_ENGINE_STOPPED':
    case 'PERDURE_NOT_LAUNCHED':
    case 'PERDURE_OVERLOADED':
      return unavailable(error);
    case 'PERDURE_RUN_NOT_FOUND':
      return notFound();
    case 'PERDURE_CANCELLED':
      return new HttpProblem(409, 'cancelled', 'Cancelled', 'The run was cancelled. Use another key to run it again.');
    case 'PERDURE_WORKFLOW_TIMEOUT':
      return new HttpProblem(504, 'timed-out', 'Timed out', 'The run did not complete by its deadline.');
    default:
      return null;
  }
}

/** A problem that came back from the database: it has the members, and neither the class nor the brand. */
function isStored(error: unknown): error is HttpProblem {
  return error instanceof Error && error.name === 'HttpProblem' && 'title' in error && 'status' in error;
}

function revived({ status, code, title, message, headers, members }: HttpProblem): HttpProblem {
  return new HttpProblem(status, code, title, message, { headers, members });
}

export const keyReused = (): HttpProblem =>
  new HttpProblem(
    422,
    'key-reused',
    'Idempotency key reused',
    'This idempotency key was used before with another payload. Use a new key for other work, or send the first payload again.',
  );

export const unavailable = (cause?: unknown): HttpProblem =>
  new HttpProblem(
    503,
    'unavailable',
    'Temporarily unavailable',
    'The request cannot be made durable now, or this server is shutting down. Send it again with the same key.',
    { retryAfterSeconds: 1, cause },
  );

export const bodyTooLarge = (bytesMax: number): HttpProblem =>
  new HttpProblem(413, 'body-too-large', 'Content too large', `The body is larger than ${bytesMax} bytes.`);

export const notFound = (): HttpProblem =>
  new HttpProblem(404, 'not-found', 'Not found', 'There is no such run, or it is not yours.');

function invalidInput(error: PerdureError): HttpProblem {
  const { issues } = error as unknown as { readonly issues?: unknown };
  const shown = Array.isArray(issues) ? (issues as readonly { readonly message?: unknown }[]).slice(0, 20) : [];
  const errors = shown.map(({ message, ...issue }) => ({
    detail: String(message),
    ...('path' in issue && Array.isArray(issue.path) ? { path: pathOf(issue.path) } : {}),
  }));
  return new HttpProblem(400, 'invalid-input', 'Invalid input', 'The request does not satisfy the schema.', {
    members: { errors },
  });
}

function pathOf(path: readonly unknown[]): string[] {
  return path.map((part) => {
    const key = typeof part === 'object' && part !== null && 'key' in part ? part.key : part;
    return typeof key === 'string' || typeof key === 'number' ? String(key) : '';
  });
}
