import { headers } from 'next/headers.js';
import { NextRequest } from 'next/server.js';

/** The call of a server action as a request for what it starts. Next's id of the action is new in each build, and no part of it. */
export async function actionRequest(name: string, input: unknown): Promise<NextRequest> {
  const sent = new Headers(await headers());
  sent.delete('content-length');
  sent.set('content-type', 'application/json');
  return new NextRequest(`http://localhost/_next/actions/${encodeURIComponent(name)}`, {
    method: 'POST',
    headers: sent,
    body: JSON.stringify(input, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)) ?? '',
  });
}
