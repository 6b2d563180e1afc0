import { Inject, Injectable } from '@nestjs/common';
import type { Health, Perdure } from '@perdure/core';
import { getPerdureToken } from './tokens.js';

/** What Terminus reads of an indicator. */
export type PerdureHealthResult<Key extends string> = Record<
  Key,
  { readonly status: 'up' | 'down' } & Pick<Health, 'reasons' | 'runs'>
>;

/**
 * A health indicator for Terminus. An engine that only gets on more slowly is up, with the reasons; one on which nothing
 * gets on is down.
 *
 * @example
 * @Get('health')
 * @HealthCheck()
 * check() {
 *   return this.health.check([() => this.perdure.isHealthy('perdure')]);
 * }
 */
@Injectable()
export class PerdureHealthIndicator {
  readonly #perdure: Perdure;

  constructor(@Inject(getPerdureToken()) perdure: Perdure) {
    this.#perdure = perdure;
  }

  /** @throws {PerdureHealthError} when nothing gets on, which Terminus answers with 503 */
  async isHealthy<Key extends string = 'perdure'>(key?: Key): Promise<PerdureHealthResult<Key>> {
    const { status, reasons, runs } = this.#perdure.health();
    const isUp = status !== 'unhealthy';
    const details = { status: isUp ? ('up' as const) : ('down' as const), reasons, runs };
    const result = { [key ?? 'perdure']: details } as PerdureHealthResult<Key>;
    if (!isUp) throw new PerdureHealthError(result);
    return result;
  }
}

/** In the form in which every version of Terminus knows that a check failed. */
export class PerdureHealthError extends Error {
  override readonly name: string = 'PerdureHealthError';
  readonly isHealthCheckError = true;

  constructor(readonly causes: object) {
    super('Nothing gets on in the engine of Perdure.');
  }
}
