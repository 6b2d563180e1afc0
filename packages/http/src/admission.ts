import type { HttpExchange } from './exchange.js';
import { fingerprintOf, fingerprintOfText } from './fingerprint.js';
import { keyRepeated, parseKey } from './idempotency-key.js';
import { type HttpOptions, keyMissing, type ResolvedRoute } from './options.js';
import { principalOf } from './principal.js';
import { freshRunId, runIdOf } from './run-id.js';

/** A request with a key. */
export interface Admitted {
  readonly runId: string;
  readonly fingerprint: string;
}

/** Decides what a request is looked up by, before anything is looked up. */
export class Admission<Req> {
  readonly #options: HttpOptions<Req>;
  #hasWarned = false;

  constructor(options: HttpOptions<Req>) {
    this.#options = options;
  }

  /** @throws {HttpProblem} 400 where there has to be a key and is none, or one that does not hold; 413 */
  async admit(exchange: HttpExchange<Req>, route: ResolvedRoute<Req>): Promise<Admitted | null> {
    const runId = await this.runIdOf(exchange, route);
    if (runId === null) {
      if (route.required && route.methods.has(exchange.method)) throw keyMissing(route.keyHeader);
      return null;
    }
    return { runId, fingerprint: await fingerprint(exchange, route) };
  }

  /** What the key of a request comes to; null without one, and for methods that keys are not for. */
  async runIdOf(exchange: HttpExchange<Req>, route: ResolvedRoute<Req>): Promise<string | null> {
    if (!route.methods.has(exchange.method)) return null;
    const field = route.keyOf(exchange);
    if (field === null) return null;
    // Two halves of a string in two lines would be one key.
    if (route.keyHeader !== null && exchange.isRepeated?.(route.keyHeader) === true) throw keyRepeated();
    const key = parseKey(route.keyHeader === null ? JSON.stringify(field) : field, route);
    const principal = await this.#principalOf(exchange);
    const { method, path } = exchange;
    return runIdOf({ namespace: this.#namespace, method, path, principal, key });
  }

  async freshRunId(exchange: HttpExchange<Req>): Promise<string> {
    return freshRunId(this.#namespace, await this.#principalOf(exchange));
  }

  get #namespace(): string {
    return this.#options.namespace ?? '';
  }

  async #principalOf(exchange: HttpExchange<Req>): Promise<string | null> {
    if (this.#options.principal === undefined) this.#warnOnce(exchange);
    return await principalOf(this.#options, exchange.request);
  }

  #warnOnce(exchange: HttpExchange<Req>): void {
    if (this.#hasWarned || process.env['NODE_ENV'] === 'production') return;
    if (exchange.header('authorization') === null && exchange.header('cookie') === null) return;
    this.#hasWarned = true;
    process.emitWarning(
      'A request brings credentials, but @perdure/http was given no `principal`: two clients that use one idempotency key on one endpoint would get the same answer.',
      { code: 'PERDURE_HTTP_NO_PRINCIPAL' },
    );
  }
}

/** What stands for all payloads where the key alone counts. */
const anything = '*';

async function fingerprint<Req>(exchange: HttpExchange<Req>, route: ResolvedRoute<Req>): Promise<string> {
  if (route.fingerprint === false) return anything;
  if (typeof route.fingerprint === 'function') return fingerprintOfText(await route.fingerprint(exchange.request));
  return await fingerprintOf(exchange, route.fingerprint, route.bodyBytesMax);
}
