import type { NextRequest } from 'next/server';
import { checkout } from '@/lib/checkout';
import { withIdempotency } from '@/lib/perdure';

export const PATCH = withIdempotency(async (request: NextRequest, context: RouteContext<'/orders/[id]'>) => {
  const { id } = await context.params;
  const { payment } = await checkout({ sku: `${id} ${request.nextUrl.searchParams.get('sku')}` });
  return Response.json({ id, payment }, { status: 201 });
});
