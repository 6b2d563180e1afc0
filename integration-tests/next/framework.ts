import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closeGracefully } from '@perdure/http/node';
import next from 'next';
import type { Framework } from '../http/frameworks.js';
import { benchHeader, nextBenches } from './app/src/benches.js';
import { appFolder } from './build.js';

export interface RunningNext {
  readonly start: Framework['start'];
  close(): Promise<void>;
}

/**
 * Next.js itself, in this process: its server serves every bench, each of which has a port and an engine of its own. The
 * routes are those that Next has compiled, with the packages as it has bundled them.
 */
export async function nextFramework({ dev }: { readonly dev: boolean }): Promise<RunningNext> {
  // To the compiler, what an ES module imports of this CommonJS module is all of it.
  const createNext = next as unknown as typeof next.default;
  const server = createNext({ dev, dir: appFolder, quiet: true });
  await server.prepare();
  const handle = server.getRequestHandler();
  return {
    close: () => server.close(),
    async start(perdure, routes, options = {}) {
      const name = randomUUID();
      nextBenches().set(name, { perdure, routes, options });
      const named: RequestListener = (request: IncomingMessage, response) => {
        request.headers[benchHeader] = name;
        void handle(request, response);
      };
      const server = createServer(named).listen(0, '127.0.0.1');
      await once(server, 'listening');
      return {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        close: (closeOptions) => closeGracefully(server, perdure, closeOptions),
        abandon() {
          server.close();
          server.closeAllConnections();
          nextBenches().delete(name);
        },
      };
    },
  };
}
