import { connect } from 'node:net';
import { withDeadline } from './deadline.js';
import type { ClientLike } from './pg-like.js';

/** How long a request may keep its sender waiting. */
const requestTimeoutMs = 500;

/**
 * Asks the server to give up what `client` waits for. A server does not notice that nobody waits for an answer any more:
 * without this, sessions that hang on a lock would pile up until no connection is left.
 *
 * Resolves when the request has been taken, or was given up. Until then the client's connection must stay open: a pooler
 * knows by it which session is meant. Nothing tells whether it helped, and nothing depends on it.
 */
export async function requestCancel(client: ClientLike): Promise<void> {
  const { processID, secretKey, host, port } = client as ClientInternals;
  if (typeof processID !== 'number' || typeof secretKey !== 'number' || host === undefined || port === undefined)
    return;
  const address = host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
  const socket = connect(address);
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.on('error', () => {});
  socket.on('connect', () => socket.write(cancelMessage(processID, secretKey)));
  await withDeadline(closed, requestTimeoutMs, () => socket.destroy()).catch(() => {});
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
