import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import type { Variant } from '../variants.js';

/** Tells the parent where the variants listen, then what processor time was taken whenever it asks. Ends with it. */
export async function serve(
  variants: readonly Variant[],
  listen: (variant: Variant) => Promise<Server>,
): Promise<void> {
  const ports: [Variant, number][] = [];
  for (const variant of variants) {
    const server = await listen(variant);
    if (!server.listening) await once(server, 'listening');
    ports.push([variant, (server.address() as AddressInfo).port]);
  }
  process.on('message', () => process.send?.(process.cpuUsage()));
  process.once('disconnect', () => process.exit());
  process.send?.(ports);
}
