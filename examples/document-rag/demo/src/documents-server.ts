import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Document } from './documents.js';

export interface DocumentsServer {
  readonly urls: readonly string[];
  /** Answers also those requests that were held back. */
  readonly release: () => void;
  readonly close: () => void;
}

/** Serves documents over HTTP, but no more than `answersMax` until it is released: nobody is done before that. */
export async function serveDocuments(documents: readonly Document[], answersMax: number): Promise<DocumentsServer> {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  let requests = 0;
  const byPath = new Map(documents.map((document) => [`/${document.path}`, document]));
  const server = createServer((request, response) => {
    const document = byPath.get(decodeURI(request.url ?? ''));
    const answer = (): void => {
      if (document === undefined) response.writeHead(404).end();
      else response.setHeader('content-type', document.type).end(document.body);
    };
    requests += 1;
    if (requests <= answersMax) answer();
    else void released.then(answer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    urls: [...byPath.keys()].map((path) => `http://127.0.0.1:${port}${encodeURI(path)}`),
    release,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
