import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json.js';
import type { HttpExchange, Payload } from './exchange.js';
import { HttpProblem } from './problem.js';

/** What of a request makes it the same request again. */
export interface FingerprintOptions {
  /** JSON pointers (`/metadata/sentAt`) to members of the body that may differ. */
  readonly exclude?: readonly string[];
  /** JSON pointers to the only members that count. */
  readonly include?: readonly string[];
  /** Parameters of the query string that count; none by default. */
  readonly query?: readonly string[];
}

/**
 * A fingerprint over method, path and body. JSON counts by its value, whatever its layout and its content type; anything
 * else by its bytes.
 */
export async function fingerprintOf<Req>(
  exchange: HttpExchange<Req>,
  options: FingerprintOptions,
  bytesMax: number,
): Promise<string> {
  const payload = asJson(await exchange.payload(bytesMax), exchange.header('content-type') ?? '');
  const query = (options.query ?? []).map((name) => [name, exchange.query.getAll(name)]);
  const hash = createHash('sha256').update(canonicalJson([exchange.method, exchange.path, query]));
  if (payload.kind === 'json') hash.update('\njson\n').update(canonicalText(select(payload.value, options)));
  else hash.update('\nbytes\n').update(withoutBoundary(payload.bytes, exchange.header('content-type') ?? ''));
  return hash.digest('base64url');
}

/** A fingerprint over what the application says that a request is. */
export function fingerprintOfText(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function canonicalText(value: unknown): string {
  try {
    return canonicalJson(value);
  } catch (cause) {
    throw new HttpProblem(400, 'invalid-input', 'Invalid input', 'The body is nested too deeply.', { cause });
  }
}

function asJson(payload: Payload, contentType: string): Payload {
  if (payload.kind === 'json' || payload.bytes.length === 0 || !/^[^;]*[/+]json\b/i.test(contentType)) return payload;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(payload.bytes);
    return { kind: 'json', value: JSON.parse(text) as unknown };
  } catch {
    // Whoever reads it will refuse it; until then its bytes are what there is.
    return payload;
  }
}

/** A multipart body is the same with another boundary, which clients draw at random. */
function withoutBoundary(bytes: Uint8Array, contentType: string): Uint8Array | string {
  const [, quoted, bare] = /^multipart\/[^;]+;.*boundary=(?:"([^"]{1,70})"|([^\s;,]{1,70}))/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare;
  if (boundary === undefined) return bytes;
  return Buffer.from(bytes).toString('latin1').replaceAll(`--${boundary}`, '--boundary');
}

function select(value: unknown, { include, exclude }: FingerprintOptions): unknown {
  if (include !== undefined) return include.map((pointer) => [pointer, read(value, partsOf(pointer)) ?? null]);
  return (exclude ?? []).reduce((rest, pointer) => without(rest, partsOf(pointer)), value);
}

/** RFC 6901. */
function partsOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(value: unknown, parts: readonly string[]): unknown {
  let found = value;
  for (const part of parts) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as Record<string, unknown>)[part];
  }
  return found;
}

function without(value: unknown, [part, ...further]: readonly string[]): unknown {
  if (part === undefined || typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return value;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Record<string, unknown>;
  if (further.length > 0) copy[part] = without(copy[part], further);
  else delete copy[part];
  return copy;
}
