import { findUpload } from '../../../../page/uploads';

export async function GET(_request: Request, { params }: { params: Promise<{ id: string }> }): Promise<Response> {
  const upload = await findUpload((await params).id);
  if (upload === null) return new Response('There is no such file', { status: 404 });
  // What somebody has uploaded is no page of this site: it is saved, and runs no script here.
  const headers = {
    'content-type': upload.type,
    'content-disposition': 'attachment',
    'content-security-policy': 'sandbox',
    'x-content-type-options': 'nosniff',
  };
  return new Response(upload.body, { headers });
}
