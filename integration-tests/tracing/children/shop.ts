import { SpanKind, trace } from '@opentelemetry/api';
import { currentRun, queue, sleep, step, workflow } from '@perdure/core';

const shipping = queue('shipping');
queue('orders');

/** @param atGate called in the steps with these names, after their call of another service has ended */
export function defineShop(atGate: (step: string) => Promise<void>) {
  /** A call of another service, as instrumentation of HTTP would show it. */
  const callService = (name: string): void =>
    trace.getTracer('http').startActiveSpan(name, { kind: SpanKind.CLIENT }, (span) => span.end());

  const work = (name: string) =>
    step.run(name, async () => {
      callService(`POST ${name}`);
      await atGate(name);
      return name;
    });

  const ship = workflow('ship', async (order: string) => {
    await work('label');
    return `${order} shipped`;
  });

  const serve = async (order: string): Promise<string> => {
    await work('reserve');
    await step.run(
      'charge',
      async () => {
        callService('POST payments');
        await atGate('charge');
        if (currentRun()?.step?.attempt === 1) throw new TypeError('card 4111111111111111 was refused');
        return 'paid';
      },
      { retries: 1, backoff: { initial: 1 } },
    );
    await sleep(20);
    return await ship.with({ queue: shipping })(order);
  };
  const checkout = workflow('checkout', serve);
  /** What the application in Next starts, and leaves to others. */
  const place = workflow('modes: place', serve, { version: '1' });
  const settle = workflow('settle', () =>
    step.transaction('book', () => {
      callService('POST ledger');
      return 'booked';
    }),
  );
  return { checkout, place, ship, settle };
}
