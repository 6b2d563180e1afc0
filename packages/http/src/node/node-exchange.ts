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

/**
 * @param request called when something is asked of it
 * @param subject the framework's own request, which may be another object
 */
export function nodeExchange<Req = NodeRequest>(
  request: () => NodeRequest,
  response: ServerResponse,
  subject: object,
): HttpExchange<Req> {
  return new NodeExchange(request, response, subject as Req & object);
}

/** Works out what it is asked for, because most requests have no key, and are asked for nothing. */
class NodeExchange<Req> implements HttpExchange<Req> {
  readonly request: Req & object;
  readonly #requestOf: () => NodeRequest;
  readonly #response: ServerResponse;
  #node: NodeRequest | undefined;
  #signal: AbortSignal | undefined;

  constructor(requestOf: () => NodeRequest, response: ServerResponse, subject: Req & object) {
    this.request = subject;
    this.#requestOf = requestOf;
    this.#response = response;
  }

  get #request(): NodeRequest {
    return (this.#node ??= this.#requestOf());
  }

  get method(): string {
    return (this.#request.method ?? 'GET').toUpperCase();
  }

  /** As the client wrote it: a `..` in it is a segment like any other to a router. */
  get path(): string {
    const target = targetOf(this.#request);
    return target.startsWith('/') ? (/^[^?#]*/.exec(target)?.[0] ?? '/') : urlOf(this.#request).pathname;
  }

  get query(): URLSearchParams {
    return urlOf(this.#request).searchParams;
  }

  header(name: string): string | null {
    return headerOf(this.#request, name);
  }

  isRepeated(name: string): boolean {
    return this.#request.rawHeaders.filter((text, at) => at % 2 === 0 && text.toLowerCase() === name).length > 1;
  }

  async payload(bytesMax: number): Promise<Payload> {
    return await payloadOf(this.#request, bytesMax);
  }

  get signal(): AbortSignal {
    return (this.#signal ??= disconnectSignal(this.#response));
  }
}

/** The same request without its body, for endpoints that need none. */
export function toWebRequest(request: NodeRequest, signal: AbortSignal | null): Request {
  const headers = new Headers();
  for (const name of Object.keys(request.headers)) {
    const value = headerOf(request, name);
    if (value !== null && !name.startsWith(':')) headers.set(name, value);
  }
  const url = urlOf(request);
  // A Request takes neither, and throws.
  [url.username, url.password] = ['', ''];
  const method = request.method ?? 'GET';
  return new Request(url, { method: /^(?:connect|trace|track)$/i.test(method) ? 'OPTIONS' : method, headers, signal });
}

const targetOf = ({ originalUrl, url }: NodeRequest): string => originalUrl ?? url ?? '/';

/** The host is of no importance here, and could be anything. */
function urlOf(request: NodeRequest): URL {
  const target = targetOf(request);
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
  const left = (): void => {
    if (!response.writableFinished) controller.abort();
  };
  if (response.destroyed) left();
  else response.once('close', left);
  return controller.signal;
}

async function payloadOf(request: NodeRequest, bytesMax: number): Promise<Payload> {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw bodyTooLarge(bytesMax);
  const { body } = request;
  if (isParsed(request)) {
    if (body instanceof Uint8Array) return { kind: 'bytes', bytes: checked(body, bytesMax) };
    if (typeof body === 'string') return { kind: 'bytes', bytes: checked(Buffer.from(body), bytesMax) };
    const files = filesOf(request);
    if (files !== null) return { kind: 'json', value: { body, files } };
    // What the client declared is the size of the body only where it is neither chunked nor compressed.
    if (!isMeasured(request) && lengthOf(body) > bytesMax) throw bodyTooLarge(bytesMax);
    return { kind: 'json', value: body };
  }
  return { kind: 'bytes', bytes: hasBody(request) ? await peek(request, bytesMax) : new Uint8Array() };
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

function isMeasured({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined && headers['content-encoding'] === undefined;
}

/** Of what is nested too deeply to be written, the fingerprint says so. */
function lengthOf(body: unknown): number {
  try {
    return JSON.stringify(body)?.length ?? 0;
  } catch {
    return 0;
  }
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
