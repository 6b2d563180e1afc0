import { findRun } from '@perdure/example-document-rag-shared';
import { openPool } from '../../../pool';

export async function GET(_request: Request, { params }: { params: Promise<{ id: string }> }): Promise<Response> {
  const progress = await findRun(await openPool(), (await params).id);
  if (progress === null) return Response.json({ error: 'There is no such run' }, { status: 404 });
  return Response.json(progress);
}
