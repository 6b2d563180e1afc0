import { connect } from 'node:net';
import type { ClientLike } from './pg-like.js';

/**
 * Asks the server to give up what `client` waits for. A server does not notice that nobody waits for an answer any more:
 * without this, sessions that hang on a lock would pile up until no connection is left.
 *
 * Nothing tells whether it helped, and nothing depends on it.
 */
export function requestCancel(client: ClientLike): void {
  const { processID, secretKey, host, port } = client as ClientInternals;
  if (typeof processID !== 'number' || typeof secretKey !== 'number' || host === undefined || port === undefined)
    return;
  const address = host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
  const socket = connect({ ...address, timeout: 5_000 });
  socket.unref();
  socket.on('error', () => {});
  socket.on('timeout', () => socket.destroy());
  socket.on('connect', () => socket.end(cancelMessage(processID, secretKey)));
}

/** What `pg`'s clients know of their session; others may not have it. */
interface ClientInternals {
  readonly processID?: unknown;
  readonly secretKey?: unknown;
  readonly host?: string;
  readonly port?: number;
}

/** CancelRequest: https://www.postgresql.org/docs/current/protocol-message-formats.html */
function cancelMessage(processId: number, secretKey: number): Buffer {
  const message = Buffer.allocUnsafe(16);
  message.writeInt32BE(16, 0);
  message.writeInt32BE(80_877_102, 4);
  message.writeInt32BE(processId | 0, 8);
  message.writeInt32BE(secretKey | 0, 12);
  return message;
}
