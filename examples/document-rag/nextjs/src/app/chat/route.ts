import { chat, modelFromEnvironment } from '@perdure/example-document-rag-shared';
import { openPool } from '../../pool';
import { parseChatRequest } from '../../requests';

const model = modelFromEnvironment(process.env);

export async function POST(request: Request): Promise<Response> {
  const parsed = await parseChatRequest(request);
  if (parsed instanceof Response) return parsed;
  return Response.json(await chat(await openPool(), model, parsed.message));
}
