import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { type OtlpRequest, type ReceivedSpan, spansOf } from './received-span.js';

/** How a collector may answer. */
type Manner = 'takes' | 'fails' | 'is silent';

/** A collector in the process of the tests, which survives those that are killed: OTLP over HTTP, as JSON. */
export class Receiver {
  readonly spans: ReceivedSpan[] = [];
  /** Everything that came, as it came. */
  readonly bodies: string[] = [];
  manner: Manner = 'takes';
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  static async listen(): Promise<Receiver> {
    const receiver = new Receiver();
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Resolves when nobody is connected any more, so that all has come that was sent by processes that are gone. */
  async hearsNobody(): Promise<void> {
    const connections = promisify(this.#server.getConnections.bind(this.#server));
    while ((await connections()) > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/traces`;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    if (this.manner === 'is silent') return;
    if (this.manner === 'fails') {
      response.writeHead(500).end();
      return;
    }
    const body = Buffer.concat(chunks).toString('utf8');
    this.bodies.push(body);
    this.spans.push(...spansOf(JSON.parse(body) as OtlpRequest));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  }
}
