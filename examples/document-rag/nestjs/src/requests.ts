import { BadRequestException } from '@nestjs/common';
import { z } from 'zod';

const indexRequest = z.object({
  urls: z
    .array(z.url({ protocol: /^https?$/ }))
    .min(1)
    .max(10_000)
    .transform((urls) => [...new Set(urls)]),
});

const chatRequest = z.object({ message: z.string().min(1).max(2_000) });

export const parseIndexRequest = (body: unknown): z.infer<typeof indexRequest> => parse(indexRequest, body);
export const parseChatRequest = (body: unknown): z.infer<typeof chatRequest> => parse(chatRequest, body);

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const { data, error } = schema.safeParse(body);
  if (error !== undefined) throw new BadRequestException(z.prettifyError(error));
  return data;
}
