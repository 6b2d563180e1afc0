import { currentRun } from '@perdure/core';

/** Charges a card at the payment provider; without one, as under `next dev`, it only takes a moment. */
export async function charge(cents: number, idempotencyKey: string): Promise<string> {
  const provider = process.env['PAYMENTS_URL'];
  if (provider === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    return `payment of ${cents}`;
  }
  const response = await fetch(`${provider}/charges?cents=${cents}`, {
    method: 'POST',
    headers: { 'idempotency-key': idempotencyKey },
    signal: currentRun()?.signal ?? null,
  });
  if (!response.ok) throw new Error(`The payment provider answered ${response.status}`);
  return await response.text();
}
