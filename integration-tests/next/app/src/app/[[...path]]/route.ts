import type { NextRequest } from 'next/server';
import { servedFor } from '../../serve';

async function handle(request: NextRequest): Promise<Response> {
  const handler = servedFor(request).handlers.get(request.nextUrl.pathname);
  return handler === undefined ? new Response(null, { status: 404 }) : await handler(request);
}

export {
  handle as DELETE,
  handle as GET,
  handle as HEAD,
  handle as OPTIONS,
  handle as PATCH,
  handle as POST,
  handle as PUT,
};
