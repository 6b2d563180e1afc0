import { Inject, Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
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
  readonly #discovery: DiscoveryService;

  constructor(@Inject(getPerdureToken()) perdure: Perdure, @Inject(DiscoveryService) discovery: DiscoveryService) {
    this.#perdure = perdure;
    this.#discovery = discovery;
  }

  /**
   * When nothing gets on, Terminus answers with 503.
   *
   * @throws {PerdureHealthError} then, for a Terminus before 11: later ones are told by the result
   */
  async isHealthy<Key extends string = 'perdure'>(key?: Key): Promise<PerdureHealthResult<Key>> {
    const { status, reasons, runs } = this.#perdure.health();
    const isUp = status !== 'unhealthy';
    const details = { status: isUp ? ('up' as const) : ('down' as const), reasons, runs };
    const result = { [key ?? 'perdure']: details } as PerdureHealthResult<Key>;
    if (!isUp && !this.#isToldByResult()) throw new PerdureHealthError(result);
    return result;
  }

  /** Terminus 11 brought this service, and reads the status of results; 12 knows no errors of checks any more. */
  #isToldByResult(): boolean {
    return this.#discovery.getProviders().some(({ name }) => name === 'HealthIndicatorService');
  }
}

/** In the form in which a Terminus before 11 knows that a check failed. */
export class PerdureHealthError extends Error {
  override readonly name: string = 'PerdureHealthError';
  readonly isHealthCheckError = true;

  constructor(readonly causes: object) {
    super('Nothing gets on in the engine of Perdure.');
  }
}
