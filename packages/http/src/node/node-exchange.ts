import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpExchange, Payload } from '../exchange.js';
import { bodyTooLarge } from '../problem.js';

/** A request of `node:http`, with what frameworks add to it. */
export interface NodeRequest extends IncomingMessage {
  /** The URL before a router took its mount path off. */
  readonly originalUrl?: string;
  /** The parsed body; undefined where nobody parsed it. */
  readonly body?: unknown;
  readonly files?: unknown;
  readonly file?: unknown;
}

export function nodeExchange<Req extends NodeRequest>(request: Req, response: ServerResponse): HttpExchange<Req> {
  const url = urlOf(request);
  return {
    request,
    method: (request.method ?? 'GET').toUpperCase(),
    path: url.pathname,
    query: url.searchParams,
    header: (name) => headerOf(request, name),
    payload: async (bytesMax) => await payloadOf(request, bytesMax),
    signal: disconnectSignal(response),
  };
}

/** The same request without its body, for endpoints that need none. */
export function toWebRequest(request: NodeRequest, signal: AbortSignal | null): Request {
  const headers = new Headers();
  for (const name of Object.keys(request.headers)) {
    const value = headerOf(request, name);
    if (value !== null && !name.startsWith(':')) headers.set(name, value);
  }
  return new Request(urlOf(request), { method: request.method ?? 'GET', headers, signal });
}

/** The host is of no importance here, and could be anything. */
function urlOf(request: NodeRequest): URL {
  const target = request.originalUrl ?? request.url ?? '/';
  try {
    return new URL(target.startsWith('/') ? `http://localhost${target}` : target);
  } catch {
    return new URL('http://localhost/');
  }
}

function headerOf(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : (value ?? null);
}

function disconnectSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort();
  });
  return controller.signal;
}

async function payloadOf(request: NodeRequest, bytesMax: number): Promise<Payload> {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw bodyTooLarge(bytesMax);
  const { body } = request;
  if (isParsed(request)) {
    if (body instanceof Uint8Array) return { kind: 'bytes', bytes: checked(body, bytesMax) };
    if (typeof body === 'string') return { kind: 'bytes', bytes: checked(Buffer.from(body), bytesMax) };
    const files = filesOf(request);
    return { kind: 'json', value: files === null ? body : { body, files } };
  }
  return { kind: 'bytes', bytes: await peek(request, bytesMax) };
}

/**
 * Whether somebody has read the body. Express 4 gives every request that a parser passed on an empty object; the stream
 * tells whether it was read.
 */
function isParsed(request: NodeRequest): boolean {
  if (request.readableEnded || request.readableDidRead) return true;
  return request.body !== undefined && !(hasBody(request) && isEmptyObject(request.body));
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function checked(bytes: Uint8Array, bytesMax: number): Uint8Array {
  if (bytes.length > bytesMax) throw bodyTooLarge(bytesMax);
  return bytes;
}

/** What an upload parser has put beside the body: what each file is called, how large it is, and its bytes if they are here. */
function filesOf({ file, files }: NodeRequest): unknown {
  if (file === undefined && files === undefined) return null;
  const groups: unknown[] = Array.isArray(files) ? (files as unknown[]) : Object.values(files ?? {});
  const list: unknown[] = [file, ...groups.flat()];
  return list.flatMap((item) => {
    if (typeof item !== 'object' || item === null) return [];
    const { fieldname, originalname, size, buffer } = item as Record<string, unknown>;
    const bytes = buffer instanceof Uint8Array ? Buffer.from(buffer).toString('base64') : null;
    return [{ fieldname, originalname, size, bytes }];
  });
}

/**
 * Reads the body of a request that nobody has read, and puts it back, so that a parser or the handler reads it as if it
 * had just come in. That is possible as long as the stream has not said that it ended.
 */
async function peek(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;

    function settle(finish: () => void): void {
      request.off('readable', read);
      request.off('error', fail);
      request.off('close', cut);
      finish();
    }
    const fail = (error: Error): void => settle(() => reject(error));
    const cut = (): void => fail(new Error('The connection was closed before the whole body had come'));
    function read(): void {
      for (let chunk = take(); chunk !== null; chunk = take()) {
        chunks.push(chunk);
        size += chunk.length;
        if (size > bytesMax) {
          settle(() => reject(bodyTooLarge(bytesMax)));
          request.resume();
          return;
        }
      }
      if (!request.complete) return;
      const body = Buffer.concat(chunks);
      settle(() => {
        if (body.length > 0) request.unshift(body);
        resolve(body);
      });
    }
    const take = (): Buffer | null => request.read() as Buffer | null;

    request.on('readable', read);
    request.on('error', fail);
    request.on('close', cut);
    if (request.complete) read();
  });
}
