import type { HttpOptions } from './options.js';

/**
 * Who asks; null for nobody that is known. An empty text is nobody too: whoever makes one of what is missing means that, and
 * all who are nobody must not own each other's runs.
 *
 * @throws {TypeError} for anything but a text, which could be the same for many
 */
export async function principalOf<Req>({ principal }: HttpOptions<Req>, request: Req): Promise<string | null> {
  const who: unknown = await principal?.(request);
  if (who === undefined || who === null || who === '') return null;
  if (typeof who === 'string') return who;
  throw new TypeError(`The option \`principal\` must give a string, null or undefined, not a ${typeof who}`);
}
