import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import type { Reply } from './conversation.js';
import type { Pace } from './line.js';
import { ProxiedConnection } from './proxied-connection.js';

export type Fault =
  /** The client gets no reply of which this is true, although the statement happened: its connection is reset instead. */
  | { readonly kind: 'lose-replies'; readonly isLost: (reply: Reply) => boolean }
  /** Swallows everything in both directions and closes nothing, on the connections there are and on new ones. */
  | { readonly kind: 'half-open' }
  /** Resets each new connection. */
  | { readonly kind: 'refuse' }
  | Pace;

const pass: Fault = { kind: 'at-once' };

/** Stands between a driver and a Postgres server, and does what networks do. One fault at a time, on all connections. */
export class FaultProxy {
  /** For the driver: the server's url, by way of the proxy. */
  readonly url: string;
  readonly #server: Server;
  readonly #connections = new Set<ProxiedConnection>();
  #fault: Fault = pass;
  #accepted = 0;
  #lost: Reply[] = [];

  private constructor(server: Server, target: URL) {
    this.#server = server;
    const url = new URL(target);
    url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.url = url.href;
    server.on('connection', (client) => this.#accept(client, target));
  }

  static async start(targetUrl: string): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultProxy(server, new URL(targetUrl));
  }

  /** How many clients have ever connected. */
  get accepted(): number {
    return this.#accepted;
  }

  /** The replies that no client got. */
  get lost(): readonly Reply[] {
    return this.#lost;
  }

  /** Until the next one. A connection that is half-open stays so, whatever comes. */
  impose(fault: Fault): void {
    this.#fault = fault;
    if (fault.kind === 'half-open') for (const connection of this.#connections) connection.halfOpen();
  }

  pass(): void {
    this.impose(pass);
  }

  /** Cuts every connection that is open, and answers with how many. */
  reset(): number {
    const count = this.#connections.size;
    for (const connection of this.#connections) connection.reset();
    return count;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.reset();
    await closed;
  }

  #accept(client: Socket, target: URL): void {
    this.#accepted += 1;
    if (this.#fault.kind === 'refuse') {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const server = connect(Number(target.port || 5432), target.hostname);
    const connection = new ProxiedConnection(client, server, {
      pace: () =>
        this.#fault.kind === 'latency' || this.#fault.kind === 'trickle' ? this.#fault : { kind: 'at-once' },
      isLost: (reply) => this.#isLost(reply),
    });
    this.#connections.add(connection);
    client.on('close', () => this.#connections.delete(connection));
    if (this.#fault.kind === 'half-open') connection.halfOpen();
  }

  #isLost(reply: Reply): boolean {
    if (this.#fault.kind !== 'lose-replies' || !this.#fault.isLost(reply)) return false;
    this.#lost.push(reply);
    return true;
  }
}
