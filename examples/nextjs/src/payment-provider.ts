import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PaymentProvider {
  readonly url: string;
  /** What was charged, by key. */
  readonly charges: ReadonlyMap<string, string>;
  /** How often it was asked to. */
  readonly requests: number;
  close(): void;
}

/**
 * A payment provider that charges once for each key, as real ones do.
 *
 * @param onCharged called when the money is gone and the shop does not know it yet
 */
export async function servePayments(onCharged: () => void): Promise<PaymentProvider> {
  const charges = new Map<string, string>();
  let requests = 0;
  const server = createServer((request, response) => {
    const key = String(request.headers['idempotency-key']);
    requests += 1;
    if (!charges.has(key)) charges.set(key, `payment ${charges.size + 1}`);
    onCharged();
    // A moment in which the shop may die.
    setTimeout(() => response.end(charges.get(key)), 200);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    charges,
    get requests() {
      return requests;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A port that nobody listened to a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export async function isUp(url: string): Promise<boolean> {
  return await fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}
