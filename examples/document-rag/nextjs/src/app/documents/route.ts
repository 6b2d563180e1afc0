import { createRun } from '@perdure/example-document-rag-shared';
import { indexDocuments } from '../../indexing';
import { openPool } from '../../pool';
import { parseIndexRequest } from '../../requests';

export async function POST(request: Request): Promise<Response> {
  const parsed = await parseIndexRequest(request);
  if (parsed instanceof Response) return parsed;
  const id = await createRun(await openPool(), parsed.urls);
  await indexDocuments.with({ workflowId: id }).start(id, parsed.urls);
  return Response.json({ id }, { status: 202, headers: { location: `/runs/${id}` } });
}
