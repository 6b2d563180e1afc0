import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, createSecureServer, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Server as NetServer } from 'node:net';
import type { Perdure } from '@perdure/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { closeGracefully } from './close-gracefully.js';

/** An engine that only says whether it was shut down. */
function engine() {
  const said: string[] = [];
  const shutdown = async (): Promise<void> => void said.push('shut down');
  return { perdure: { shutdown } as unknown as Perdure, said };
}

async function listen(server: NetServer): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a graceful close', () => {
  it.each([
    ['HTTP/1', () => createServer()],
    ['HTTP/2', () => createHttp2Server()],
    ['HTTP/2 over TLS', () => createSecureServer()],
    ['HTTP/2 over TLS, and HTTP/1', () => createSecureServer({ allowHTTP1: true })],
  ])('closes a server of %s, and the engine behind it', async (_, create) => {
    const server = create();
    await listen(server);
    const { perdure, said } = engine();
    await closeGracefully(server, perdure);
    expect([server.listening, said]).toEqual([false, ['shut down']]);
  });

  it('lets a request over HTTP/2 be answered, and waits for no client that keeps its session', async () => {
    const server = createHttp2Server();
    const url = await listen(server);
    const session = connect(url);
    onTestFinished(() => session.destroy());
    const asked = session.request({ ':path': '/' });
    asked.end();
    const [stream] = (await once(server, 'stream')) as [{ respond(): void; end(text: string): void }];
    const { perdure, said } = engine();
    // Longer than it looks for idle connections, of which these servers know nothing.
    const closed = closeGracefully(server, perdure, { graceMs: 200 });
    stream.respond();
    stream.end('answered');
    expect(await asked.setEncoding('utf8').toArray()).toEqual(['answered']);
    await closed;
    expect([server.listening, said]).toEqual([false, ['shut down']]);
  });
});
