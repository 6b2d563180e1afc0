import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { makeDocuments } from '../../demo/src/documents.js';
import { readDocument } from './read-document.js';

const markdown = `# Lighthouses\n\nThe lamp turns four times a minute.\n\n${'It is a long story. '.repeat(1_200)}\n\nThe end, at last.`;

async function serve(type: string, body: Uint8Array | string, status = 200): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(status, { 'content-type': type }).end(body));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/document`;
}

it.each([0, 1, 2])('reads what the demonstration makes of a text: kind %i', async (kind) => {
  const texts = [0, 1, 2].map(() => ({ path: 'lighthouses.md', markdown }));
  const { type = '', body = '' } = (await makeDocuments(texts))[kind] ?? {};
  const { passages, error } = await readDocument(await serve(type, body));
  expect(error).toBeNull();
  const text = passages.map((passage) => passage.text).join(' ');
  expect(text.replaceAll(/\s+/g, ' ')).toMatch(/Lighthouses.*turns four times a minute.*at last/);
  expect(text).not.toContain('Home');
  expect(passages.length).toBeGreaterThan(1);
  expect(Math.max(...passages.map((passage) => passage.text.length))).toBeLessThanOrEqual(4_000);
  expect(passages.map(({ page }) => page)).toEqual(passages.map(({ page }) => page).sort((a, b) => a - b));
  expect(passages.at(-1)?.page).toBe(kind === 0 ? 3 : 1);
});

it('says why a document cannot be read', async () => {
  expect(await readDocument(await serve('text/html', 'gone', 404))).toMatchObject({
    passages: [],
    error: expect.stringContaining('answered 404') as string,
  });
  const broken = await readDocument(await serve('application/pdf', 'no PDF at all'));
  expect(broken).toMatchObject({ passages: [], error: expect.stringContaining('PDF') as string });
});

it.each([408, 429, 500, 503])('throws where the document may be there a moment later: %i', async (status) => {
  await expect(readDocument(await serve('text/html', 'not now', status))).rejects.toThrow(`answered ${status}`);
});

it('throws where there is no answer', async () => {
  const server = createServer((request) => request.socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  await expect(readDocument(`http://127.0.0.1:${port}/document`)).rejects.toThrow('fetch failed');
});

it('reads no more of a document than is allowed', async () => {
  const server = createServer((_request, response) => {
    const endless = new Readable({ read: () => void endless.push('x'.repeat(65_536)) });
    endless.pipe(response);
    response.once('close', () => endless.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  expect(await readDocument(`http://127.0.0.1:${port}/document`)).toMatchObject({
    passages: [],
    error: expect.stringContaining('bytes') as string,
  });
});

it('stores no character that Postgres cannot', async () => {
  const { passages } = await readDocument(await serve('text/markdown', 'a\0b'));
  expect(passages).toEqual([{ page: 1, text: 'ab' }]);
});
