import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { ArgumentsHost } from '@nestjs/common';
import type { HttpExchange } from '@perdure/http';
import { nodeExchange, type NodeRequest, toWebRequest } from '@perdure/http/node';

/** A response of Express, which is Node's, or of Fastify, which has Node's beside it. */
export interface NestResponse {
  header(name: string, value: string): unknown;
  readonly raw?: ServerResponse;
  hijack?(): void;
  getHeaders?(): OutgoingHttpHeaders;
}

/** A request of Fastify has Node's beside it; one of Express is Node's. */
interface NestRequest {
  readonly raw?: IncomingMessage;
  readonly body?: unknown;
  readonly originalUrl?: string;
}

/** One HTTP request of a Nest application, on whichever platform. */
export interface NestExchange {
  readonly exchange: HttpExchange<never>;
  /** Node's response, below that of the platform. */
  readonly raw: ServerResponse;
  /** The platform's. */
  readonly response: NestResponse;
}

export function nestExchange(host: ArgumentsHost): NestExchange {
  const http = host.switchToHttp();
  return exchangeOf(http.getRequest<object>(), http.getResponse<NestResponse>());
}

export function exchangeOf(request: object, response: NestResponse): NestExchange {
  const raw = rawOf(response);
  return { exchange: nodeExchange(() => nodeRequest(request), raw, request as never), raw, response };
}

function rawOf(response: NestResponse): ServerResponse {
  return response.raw ?? (response as unknown as ServerResponse);
}

/** Takes a response out of the platform's hands, with the headers that its hooks have set, such as those of CORS. */
export function takeRaw(response: NestResponse): ServerResponse {
  copyHeaders(response);
  if (response.raw !== undefined) response.hijack?.();
  return rawOf(response);
}

/** Sets the headers that were set on the platform's response on Node's, where those are two: what is sent there has them, too. */
export function copyHeaders(response: NestResponse): void {
  const { raw } = response;
  if (raw === undefined || raw.headersSent) return;
  for (const [name, value] of Object.entries(response.getHeaders?.() ?? {})) {
    if (value !== undefined) raw.setHeader(name, value);
  }
}

export function addHeaders({ raw, response }: NestExchange, headers: Readonly<Record<string, string>>): void {
  if (raw.headersSent) return;
  for (const [name, value] of Object.entries(headers)) response.header(name, value);
}

/** For the endpoints about runs, which read no bodies. */
export function webRequest(request: object, response: NestResponse): Request {
  const node = nodeRequest(request);
  return toWebRequest(node, nodeExchange(() => node, rawOf(response), node).signal);
}

/** Node's request, with what the platform knows of it. */
function nodeRequest(request: NestRequest): NodeRequest {
  const { raw, body, originalUrl } = request;
  if (raw === undefined) return request as unknown as NodeRequest;
  // A body that nobody parsed is still in Node's request, which has to be read itself.
  if (body === undefined || body === null) return raw;
  return Object.create(raw, { body: { value: body }, originalUrl: { value: originalUrl } }) as NodeRequest;
}
