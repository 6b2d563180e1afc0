import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative } from 'node:path';

const documentsMin = 300;
const documentsMax = 400;
const bytesMax = 200_000;

export interface DocumentsServer {
  readonly url: string;
  /** How many documents it serves. */
  readonly documents: number;
  close(): void;
}

/** Serves the Markdown files of the installed npm packages over HTTP. */
export async function serveDocuments(folder: string): Promise<DocumentsServer> {
  const paths = await findDocuments(folder);
  if (paths.length < documentsMin) {
    throw new Error(`There are only ${paths.length} documents in ${folder}. Run "npm ci" first.`);
  }
  const known = new Set(paths);
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const path = url.searchParams.get('path') ?? '';
    const answer = async (): Promise<unknown> => {
      if (url.pathname === '/documents') return paths;
      return known.has(path) ? await readFile(join(folder, path), 'utf8') : null;
    };
    answer().then(
      (body) =>
        response.writeHead(body === null ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      () => response.writeHead(500).end(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    documents: paths.length,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function findDocuments(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /\.(md|mdx|markdown)$/i.test(entry.name));
  const found = await Promise.all(
    files.map(async (entry) => {
      const file = join(entry.parentPath, entry.name);
      const { size } = await stat(file);
      return size > 0 && size <= bytesMax ? relative(folder, file) : null;
    }),
  );
  return found
    .filter((path) => path !== null)
    .sort()
    .slice(0, documentsMax);
}
