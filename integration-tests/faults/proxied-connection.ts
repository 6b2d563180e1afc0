import type { Socket } from 'node:net';
import { Conversation, type Reply } from './conversation.js';
import { FrameReader } from './frames.js';
import { Line, type Pace } from './line.js';

export interface ProxiedConnectionOptions {
  readonly pace: () => Pace;
  /** Asked about each reply before the client gets any of it; `true` loses it and resets the connection. */
  readonly isLost: (reply: Reply) => boolean;
}

/**
 * A client's connection, and the one to the server in its name. States:
 * - *passing*: each side hears what the other says. A reply is held back until it is whole, because only then is the
 *   statement's fate known.
 * - *half-open*: for good. Neither side hears anything any more, and neither is told.
 * - *closed*: for good.
 */
export class ProxiedConnection {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #options: ProxiedConnectionOptions;
  readonly #toClient: Line;
  readonly #toServer: Line;
  readonly #conversation = new Conversation();
  readonly #clientFrames = new FrameReader('client');
  readonly #serverFrames = new FrameReader('server');
  #held: Buffer[] = [];
  #isHalfOpen = false;

  constructor(client: Socket, server: Socket, options: ProxiedConnectionOptions) {
    this.#client = client;
    this.#server = server;
    this.#options = options;
    this.#toClient = new Line(client, options.pace);
    this.#toServer = new Line(server, options.pace);
    for (const socket of [client, server]) socket.setNoDelay(true);
    client.on('data', (chunk: Buffer) => this.#clientSent(chunk));
    server.on('data', (chunk: Buffer) => this.#serverSent(chunk));
    client.on('end', () => this.#clientEnded());
    server.on('end', () => this.#serverEnded());
    client.on('error', () => {});
    server.on('error', () => this.reset());
    client.on('close', () => server.destroy());
  }

  halfOpen(): void {
    this.#isHalfOpen = true;
  }

  /** The client is told with a RST, unless it has been told already that the server is gone: a socket cannot do both, and stays open for good. */
  reset(): void {
    if (this.#client.writableEnded) this.#client.destroy();
    else if (!this.#client.destroyed) this.#client.resetAndDestroy();
    this.#server.destroy();
  }

  #clientSent(chunk: Buffer): void {
    if (this.#isHalfOpen) return;
    for (const frame of this.#clientFrames.read(chunk)) this.#conversation.clientSaid(frame);
    this.#toServer.send(chunk);
  }

  /** Over a half-open connection a client gets no answer to its farewell. A server notices in the end; here, at once. */
  #clientEnded(): void {
    if (this.#isHalfOpen) this.#server.destroy();
    else this.#toServer.end();
  }

  #serverSent(chunk: Buffer): void {
    if (this.#isHalfOpen) return;
    for (const frame of this.#serverFrames.read(chunk)) {
      this.#held.push(frame.bytes);
      const reply = this.#conversation.serverSaid(frame);
      if (reply !== null && this.#options.isLost(reply)) {
        this.reset();
        return;
      }
      if (!this.#conversation.isWaiting || reply !== null) this.#release();
    }
  }

  /** A server that ends a session says why, and owes the rest. */
  #serverEnded(): void {
    if (this.#isHalfOpen) return;
    this.#release();
    this.#toClient.end();
  }

  #release(): void {
    if (this.#held.length > 0) this.#toClient.send(Buffer.concat(this.#held));
    this.#held = [];
  }
}
