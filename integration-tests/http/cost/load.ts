import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Load {
  readonly port: number;
  /** A whole request, as it goes over the wire. */
  readonly request: string;
  readonly requests: number;
}

const connectionCount = 16;

/**
 * Sends requests over connections that stay open, each as soon as the one before is answered. A client that does little
 * else, so that the server is what is measured.
 *
 * @returns requests per second
 */
export async function load({ port, request, requests }: Load): Promise<number> {
  const bytes = Buffer.from(request);
  const sockets = Array.from({ length: connectionCount }, () => connect({ port, host: '127.0.0.1', noDelay: true }));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  let left = requests;
  const take = (): boolean => (left -= 1) >= 0;
  const startedAt = process.hrtime.bigint();
  await Promise.all(sockets.map((socket) => sendMany(socket, bytes, take)));
  const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9;
  for (const socket of sockets) socket.destroy();
  return requests / seconds;
}

function sendMany(socket: Socket, request: Buffer, take: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let responseBytes: number | null = null; // null = none has come yet; all are alike
    let received = 0;
    const next = (): void => {
      if (take()) socket.write(request);
      else resolve();
    };
    socket.on('data', (data) => {
      received += data.length;
      if (responseBytes === null) {
        responseBytes = lengthOf(data.toString('latin1'));
        if (responseBytes === null) {
          reject(new Error(`This is no answer to count with: ${data.toString()}`));
          return;
        }
      }
      if (received < responseBytes) return;
      received = 0;
      next();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('The server has closed a connection')));
    next();
  });
}

/** Of a response with its head in one piece. */
function lengthOf(text: string): number | null {
  const head = text.indexOf('\r\n\r\n');
  const body = /^content-length: (\d+)\r$/im.exec(text)?.[1];
  return text.startsWith('HTTP/1.1 200 ') && head !== -1 && body !== undefined ? head + 4 + Number(body) : null;
}
