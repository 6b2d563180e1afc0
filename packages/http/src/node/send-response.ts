import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type HttpResponse, isBodiless } from '../http-response.js';

/** Sends a response that is at hand as a whole. Nothing happens if one was begun already. */
export function sendResponse(response: ServerResponse, { status, headers, body }: HttpResponse): void {
  if (response.headersSent || response.writableEnded) return;
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  // A length here would make proxies wait for bytes that must not come.
  if (body === null || isBodiless(status)) response.end();
  else {
    response.setHeader('content-length', Buffer.byteLength(body));
    response.end(body);
  }
}

/** Sends a `Response` as its body comes. */
export async function pipeResponse(response: ServerResponse, { status, headers, body }: Response): Promise<void> {
  response.statusCode = status;
  for (const [name, value] of headers) response.setHeader(name, value);
  if (body === null) {
    response.end();
    return;
  }
  response.flushHeaders();
  try {
    await pipeline(Readable.fromWeb(body), response);
  } catch (error) {
    // The client has gone, and with it the interest in the rest.
    if (!response.destroyed) throw error;
  }
}
