import { z } from 'zod';

const indexRequest = z.object({
  urls: z
    .array(z.url({ protocol: /^https?$/ }))
    .min(1)
    .max(10_000)
    .transform((urls) => [...new Set(urls)]),
});

const chatRequest = z.object({ message: z.string().min(1).max(2_000) });

export const parseIndexRequest = async (request: Request): Promise<z.infer<typeof indexRequest> | Response> =>
  parse(indexRequest, request);

export const parseChatRequest = async (request: Request): Promise<z.infer<typeof chatRequest> | Response> =>
  parse(chatRequest, request);

/** What the request asks for, or the answer to one that makes no sense. */
async function parse<T>(schema: z.ZodType<T>, request: Request): Promise<T | Response> {
  const body: unknown = await request.json().catch(() => undefined);
  const { data, error } = schema.safeParse(body);
  return error === undefined ? data : Response.json({ error: z.prettifyError(error) }, { status: 400 });
}
