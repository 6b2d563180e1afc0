import { respond, withIdempotency } from '../../../shop';

export const POST = withIdempotency(async (request) => {
  const answer = await respond((await request.json()) as { sku: string });
  return Response.json(answer, { status: 201, headers: { location: '/orders/7' } });
});
