import type { RouteContext } from '@perdure/next';
import type { NextRequest } from 'next/server';
import { servedFor } from '../../../serve';

export const GET = async (request: NextRequest, context: RouteContext): Promise<Response> =>
  await servedFor(request).http.runs.GET(request, context);

export const POST = async (request: NextRequest, context: RouteContext): Promise<Response> =>
  await servedFor(request).http.runs.POST(request, context);
