import { createHash, type Hash } from 'node:crypto';
import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { type Omitted, omittedRecord, recordOf, type ResponseRecord } from '../stored-response.js';
import { shieldFromClosing } from './closing-shield.js';

export interface CaptureOptions {
  readonly exchangeId: string;
  /** The headers that are stored. */
  readonly headers: readonly string[];
  /** A larger body is sent as it comes, and only described. */
  readonly bytesMax: number;
}

export interface ResponseCapture {
  /** The response, once the handler has ended it. */
  readonly ended: Promise<ResponseRecord>;
  /** Nothing that the handler does from now on is part of it. */
  readonly isOver: boolean;
  /** Sends what was held back. */
  send(): void;
  /** Drops what was held back, so that something else can be sent. */
  discard(): void;
}

const methods = ['writeHead', 'write', 'end', 'flushHeaders'] as const;

type Callback = () => void;
/** Some who write say null for what they leave out, as Fastify does, and Node takes it. */
type WriteArguments = readonly [
  chunk?: unknown,
  encodingOrCallback?: BufferEncoding | Callback | null,
  callback?: Callback | null,
];

/**
 * Holds a response back while the handler writes it, however it does so: `res.json`, `send`, `sendFile`, pipes and bare
 * `write` all end in the four methods that are replaced here. Nothing goes out before {@link ResponseCapture.send}, and that
 * the client has gone is not to be seen until then; a body that is too large to hold, or headers that the handler flushes, go
 * out at once, marked as bypassed.
 */
export function captureResponse(response: ServerResponse, options: CaptureOptions): ResponseCapture {
  // Other middleware may have replaced some of these before, or not.
  const own = methods.map((name) => [name, Object.getOwnPropertyDescriptor(response, name)] as const);
  const original = { write: response.write.bind(response), end: response.end.bind(response) };
  const headersBefore = response.getHeaders();
  const chunks: Buffer[] = [];
  const onFinish: Callback[] = [];
  let size = 0;
  let state: 'held' | 'through' | 'over' = 'held';
  let hash: Hash | null = null; // null = held
  let settle: (record: ResponseRecord) => void = () => {};
  const ended = new Promise<ResponseRecord>((resolve) => (settle = resolve));
  const shield = shieldFromClosing(response);

  function restore(): void {
    shield.lift();
    for (const [name, descriptor] of own) {
      if (descriptor === undefined) Reflect.deleteProperty(response, name);
      else Object.defineProperty(response, name, descriptor);
    }
  }

  function letThrough(): void {
    restore();
    state = 'through';
    hash = createHash('sha256');
    for (const chunk of chunks) hash.update(chunk);
    // Who only reads a part of it has all that there is: what it would have been is not known.
    const cut = (): void => settleOmitted({ bytes: null, sha256: null });
    if (response.destroyed) cut();
    else response.once('close', cut);
    if (!response.headersSent) response.setHeader('idempotency-status', 'bypassed');
    Object.assign(response, { write: writeThrough, end: endThrough });
    for (const chunk of chunks.splice(0)) original.write(chunk);
  }

  function writeHead(
    status: number,
    ...rest: readonly (string | OutgoingHttpHeaders | readonly OutgoingHttpHeader[] | undefined)[]
  ): ServerResponse {
    response.statusCode = status;
    for (const part of rest) {
      if (typeof part === 'string') response.statusMessage = part;
      else setHeaders(response, part);
    }
    return response;
  }

  function hold(chunk: unknown, encoding: BufferEncoding | undefined): void {
    const bytes = bytesOf(chunk, encoding);
    size += bytes.length;
    chunks.push(bytes);
    if (size > options.bytesMax) letThrough();
  }

  function write(...[chunk, encodingOrCallback, last]: WriteArguments): boolean {
    const { encoding, callback } = sort(encodingOrCallback, last);
    if (state === 'held') hold(chunk, encoding);
    callback?.();
    return true;
  }

  function end(...args: WriteArguments): ServerResponse {
    const { chunk, encoding, callback } = sortEnd(args);
    if (callback !== undefined) onFinish.push(callback);
    if (state !== 'held') return response;
    if (chunk !== undefined && chunk !== null) hold(chunk, encoding);
    // What was too much is going out; the rest is nothing.
    if ((state as string) === 'through') return endThrough();
    state = 'over';
    const { statusCode: status, statusMessage } = response;
    settle(recordOf({ status, headers: headersOf(response), body: Buffer.concat(chunks) }, options));
    // Whoever changes the status after the end changed nothing on the wire either, without this package.
    onSend = () => Object.assign(response, { statusCode: status, statusMessage });
    return response;
  }
  let onSend = (): void => {};

  function writeThrough(...args: WriteArguments): boolean {
    const { encoding } = sort(args[1], args[2]);
    const bytes = bytesOf(args[0], encoding);
    size += bytes.length;
    hash?.update(bytes);
    return original.write(...(args as unknown as Parameters<ServerResponse['write']>));
  }

  function endThrough(...args: WriteArguments): ServerResponse {
    const { chunk, encoding } = sortEnd(args);
    if (chunk !== undefined && chunk !== null) {
      const bytes = bytesOf(chunk, encoding);
      size += bytes.length;
      hash?.update(bytes);
    }
    restore();
    settleOmitted({ bytes: size, sha256: hash?.digest('hex') ?? null });
    state = 'over';
    for (const callback of onFinish.splice(0)) response.once('finish', callback);
    return original.end(...(args as unknown as Parameters<ServerResponse['end']>));
  }

  function settleOmitted(omitted: Omitted): void {
    settle(omittedRecord({ status: response.statusCode, headers: headersOf(response) }, omitted, options));
  }

  Object.assign(response, { writeHead, write, end, flushHeaders: () => state === 'held' && letThrough() });

  return {
    ended,
    get isOver() {
      return state === 'over';
    },
    send() {
      if (hash !== null) return;
      restore();
      onSend();
      for (const callback of onFinish.splice(0)) response.once('finish', callback);
      const body = Buffer.concat(chunks);
      if (body.length === 0) response.end();
      else response.end(body);
    },
    discard() {
      state = 'over';
      restore();
      if (response.headersSent) return;
      for (const name of response.getHeaderNames()) response.removeHeader(name);
      setHeaders(response, headersBefore);
    },
  };
}

function sort(
  encodingOrCallback: BufferEncoding | Callback | null | undefined,
  last: Callback | null | undefined,
): { encoding: BufferEncoding | undefined; callback: Callback | undefined } {
  return typeof encodingOrCallback === 'function'
    ? { encoding: undefined, callback: encodingOrCallback }
    : { encoding: encodingOrCallback ?? undefined, callback: last ?? undefined };
}

function sortEnd([chunk, encodingOrCallback, last]: WriteArguments) {
  if (typeof chunk === 'function') return { chunk: undefined, encoding: undefined, callback: chunk as Callback };
  return { chunk, ...sort(encodingOrCallback, last) };
}

function bytesOf(chunk: unknown, encoding: BufferEncoding | undefined): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding);
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new TypeError('A response is written in strings and bytes');
}

function setHeaders(
  response: ServerResponse,
  headers: OutgoingHttpHeaders | readonly OutgoingHttpHeader[] | undefined,
): void {
  const pairs = Array.isArray(headers)
    ? (headers as unknown[]).flatMap((name, at) => (at % 2 === 0 ? [[name, (headers as unknown[])[at + 1]]] : []))
    : Object.entries(headers ?? {});
  for (const [name, value] of pairs as [string, OutgoingHttpHeader | undefined][]) {
    if (value !== undefined) response.setHeader(name, value);
  }
}

function* headersOf(response: ServerResponse): Iterable<readonly [string, string]> {
  for (const [name, value] of Object.entries(response.getHeaders())) {
    if (value !== undefined) yield [name, Array.isArray(value) ? value.join(', ') : String(value)];
  }
}
