import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative, sep } from 'node:path';

const documentsMin = 300;
const documentsMax = 400;
const charsMax = 200_000;

export interface DocumentsServer {
  readonly url: string;
  /** How many documents it serves. */
  readonly documents: number;
  close(): void;
}

/** Serves the Markdown files below a folder over HTTP: their paths at `/documents`, each at `/documents/<path>`. */
export async function serveDocuments(folder: string): Promise<DocumentsServer> {
  const documents = await readDocuments(folder);
  if (documents.size < documentsMin) {
    throw new Error(`Found ${documents.size} documents in ${folder}, not ${documentsMin}. Run "npm ci" first.`);
  }
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '').replace(/^\/documents\/?/, ''));
    const document = documents.get(path);
    if (path === '') response.setHeader('content-type', 'application/json').end(JSON.stringify([...documents.keys()]));
    else if (document === undefined) response.writeHead(404).end();
    else response.setHeader('content-type', 'text/markdown; charset=utf-8').end(document);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    documents: documents.size,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function readDocuments(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && /\.(md|mdx|markdown)$/i.test(entry.name))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
  const documents = new Map<string, string>();
  for (const path of paths) {
    const text = await readFile(join(folder, path), 'utf8');
    const isUsable = text.trim() !== '' && text.length <= charsMax && !text.includes('\0');
    if (isUsable && documents.size < documentsMax) documents.set(path.replaceAll(sep, '/'), text);
  }
  return documents;
}
