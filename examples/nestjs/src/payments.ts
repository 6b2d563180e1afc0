import { Inject, Injectable } from '@nestjs/common';
import { currentRun } from '@perdure/core';
import { Step } from '@perdure/nestjs';
import { Ledger } from './ledger.js';

export const paymentsUrl = 'PAYMENTS_URL';

/** The shop's side of the payment provider. */
@Injectable()
export class PaymentsService {
  constructor(
    @Inject(paymentsUrl) private readonly url: string,
    private readonly ledger: Ledger,
  ) {}

  @Step('charge', { retries: 3 })
  async charge(cents: number): Promise<string> {
    this.ledger.note('charge');
    const run = currentRun();
    const response = await fetch(`${this.url}/charges?cents=${cents}`, {
      method: 'POST',
      // The same key for every try, in every process: the provider charges once.
      headers: { 'idempotency-key': run?.idempotencyKey ?? '' },
      signal: run?.signal ?? null,
    });
    if (!response.ok) throw new Error(`The payment provider answered ${response.status}`);
    return await response.text();
  }
}
