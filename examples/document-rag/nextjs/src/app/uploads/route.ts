import { storeUpload } from '../../page/uploads';

const bytesMax = 20 * 1024 * 1024;
const types: Readonly<Record<string, string>> = {
  pdf: 'application/pdf',
  html: 'text/html; charset=utf-8',
  md: 'text/markdown; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
};

/** Takes a file, and answers with the URL that it can be indexed by. */
export async function POST(request: Request): Promise<Response> {
  const file = (await request.formData()).get('file');
  const type = file instanceof File ? types[file.name.split('.').at(-1)?.toLowerCase() ?? ''] : undefined;
  if (!(file instanceof File) || type === undefined) {
    return Response.json({ error: 'Send a PDF, an HTML page, Markdown or text' }, { status: 415 });
  }
  if (file.size > bytesMax) return Response.json({ error: 'The file is too large' }, { status: 413 });
  const id = await storeUpload({ type, body: new Uint8Array(await file.arrayBuffer()) });
  const url = new URL(`/uploads/${id}/${encodeURIComponent(file.name)}`, request.url);
  return Response.json({ url: url.href }, { status: 201 });
}
