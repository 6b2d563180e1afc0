import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

/** A POST that the suite asks for. */
export interface ConformanceRequest {
  /** The value of the header `Idempotency-Key`, as it goes over the wire; null = no such header. */
  readonly key: string | null;
  /** JSON. */
  readonly body: string;
  /** Whose credentials to send. */
  readonly principal: 'one' | 'another';
}

export interface ConformanceResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly text: string;
}

export interface ConformanceOptions {
  /** What declares a test: `it` of Vitest or Jest, `test` of node:test. */
  readonly it: (title: string, fn: () => Promise<void>) => unknown;
  /** Sends a POST to the route, with `content-type: application/json`. */
  readonly send: (request: ConformanceRequest) => Promise<ConformanceResponse>;
  /** A JSON object that the route accepts, with two members or more; another one for another number. */
  readonly payload: (no: number) => Readonly<Record<string, unknown>>;
  /** Whether the route asks for a key; true by default. */
  readonly required?: boolean;
  /** Whether the route takes keys without quotes; true by default. */
  readonly lenient?: boolean;
  /** Whether the tests have two principals to send as; false by default. */
  readonly hasPrincipals?: boolean;
}

/**
 * What the list of docs/conformance.md says that a client can see, as tests of a route of your own: one that makes
 * something by POST, and answers at once with a status below 300. Titles begin with the number of the point.
 *
 * @example
 * describe('POST /orders', () => {
 *   idempotencyConformance({
 *     it,
 *     send: async ({ key, body }) => {
 *       const headers = { 'content-type': 'application/json', ...(key !== null && { 'idempotency-key': key }) };
 *       const response = await fetch(`${url}/orders`, { method: 'POST', headers, body });
 *       return { status: response.status, headers: response.headers, text: await response.text() };
 *     },
 *     payload: (no) => ({ sku: 'lamp', quantity: no }),
 *   });
 * });
 */
export function idempotencyConformance(options: ConformanceOptions): void {
  const { it, payload, required = true, lenient = true, hasPrincipals = false } = options;
  const freshKey = (): string => `"${randomUUID()}"`;
  const post = async (sent: Partial<ConformanceRequest> = {}): Promise<ConformanceResponse> =>
    await options.send({ key: freshKey(), body: JSON.stringify(payload(1)), principal: 'one', ...sent });

  it('1. a key is a string in quotes, whose parameters do not count', async () => {
    const key = freshKey();
    const first = await made(post({ key }));
    sameAnswer(await post({ key: `${key};retry=1` }), first);
    await refused(post({ key: '"a", "b"' }), 400);
    await refused(post({ key: '"not closed' }), 400);
  });

  it('2. a key without quotes is the same key, where such are taken', async () => {
    const key = randomUUID();
    const first = await made(post({ key: `"${key}"` }));
    if (lenient) sameAnswer(await post({ key }), first);
    else await refused(post({ key }), 400);
  });

  it('3. an empty key, one of blanks, and one of more than 255 characters are refused', async () => {
    for (const key of ['""', '"   "', `"${'x'.repeat(256)}"`]) await refused(post({ key }), 400);
    await made(post({ key: `"${randomUUID()}${'x'.repeat(219)}"` }));
  });

  it('7. a request without a key is refused where one is needed, and is nobody’s repetition where not', async () => {
    if (required) await refused(post({ key: null }), 400);
    else for (const _ of [1, 2]) strictEqual((await made(post({ key: null }))).headers.get(replayed), null);
  });

  it('8. fifty requests at once are one execution, and fifty equal answers', async () => {
    const key = freshKey();
    const answers = await Promise.all(Array.from({ length: 50 }, () => post({ key })));
    deepStrictEqual(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size, 1, 'equal answers');
    ok((answers[0]?.status ?? 0) < 300, 'a success');
    strictEqual(answers.filter(({ headers }) => headers.get(replayed) !== 'true').length, 1, 'answers of their own');
  });

  it('10. a repeated request gets the answer of the first, and is told so', async () => {
    const key = freshKey();
    const first = await made(post({ key }));
    strictEqual(first.headers.get(replayed), null, 'the first answer is no repetition');
    for (const _ of [1, 2, 3]) {
      const again = await post({ key });
      sameAnswer(again, first);
      for (const name of ['content-type', 'location']) strictEqual(again.headers.get(name), first.headers.get(name));
      strictEqual(again.headers.get('set-cookie'), null, 'no cookie is sent again');
    }
  });

  it('15. a key that is used for another payload is 422, and stays what it was', async () => {
    const key = freshKey();
    const first = await made(post({ key }));
    await refused(post({ key, body: JSON.stringify(payload(2)) }), 422);
    sameAnswer(await post({ key }), first);
  });

  it('16. the same payload written in another way is the same payload', async () => {
    const key = freshKey();
    const first = await made(post({ key }));
    const backwards = Object.fromEntries(Object.entries(payload(1)).toReversed());
    sameAnswer(await post({ key, body: JSON.stringify(backwards, null, 3) }), first);
  });

  it('17. another key with the same payload is another operation', async () => {
    await made(post());
    strictEqual((await made(post())).headers.get(replayed), null);
  });

  if (hasPrincipals) {
    it('18. the key of one principal is none of another’s', async () => {
      const key = freshKey();
      await made(post({ key }));
      strictEqual((await made(post({ key, principal: 'another' }))).headers.get(replayed), null);
      strictEqual((await post({ key })).headers.get(replayed), 'true');
    });
  }

  it('21. a problem says what is wrong, and does not repeat the key', async () => {
    const key = freshKey();
    await made(post({ key }));
    const problem = await refused(post({ key, body: JSON.stringify(payload(2)) }), 422);
    const body = JSON.parse(problem.text) as Readonly<Record<string, unknown>>;
    strictEqual(problem.headers.get('content-type')?.split(';')[0], 'application/problem+json');
    strictEqual(body['status'], 422);
    for (const member of ['type', 'title', 'detail']) strictEqual(typeof body[member], 'string', member);
    ok(!problem.text.includes(key.slice(1, -1)), 'the key is not repeated');
  });
}

const replayed = 'idempotent-replayed';

async function made(sent: Promise<ConformanceResponse>): Promise<ConformanceResponse> {
  const response = await sent;
  ok(response.status < 300, `a success, not ${response.status}: ${response.text}`);
  return response;
}

async function refused(sent: Promise<ConformanceResponse>, status: number): Promise<ConformanceResponse> {
  const response = await sent;
  strictEqual(response.status, status, response.text);
  return response;
}

function sameAnswer(again: ConformanceResponse, first: ConformanceResponse): void {
  deepStrictEqual([again.status, again.text], [first.status, first.text]);
  strictEqual(again.headers.get(replayed), 'true', 'the answer says that it is a repetition');
}
