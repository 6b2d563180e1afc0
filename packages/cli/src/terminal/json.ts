/** Any value as JSON: also what JSON has no form of, as a workflow may have been given or have returned. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(jsonable(value, []) ?? null, null, indent);
}

function jsonable(value: unknown, within: readonly unknown[]): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (within.includes(value)) return '[circular]';
  const inner = (member: unknown): unknown => jsonable(member, [...within, value]);
  const members = (object: object): unknown =>
    Object.fromEntries(Object.entries(object).map(([name, member]) => [name, inner(member)]));
  if (Array.isArray(value)) return value.map((member) => inner(member) ?? null);
  if (value instanceof Error) return errorFields(value, inner);
  if (value instanceof Map) return [...value].map(([key, member]) => [inner(key) ?? null, inner(member) ?? null]);
  if (value instanceof Set) return [...value].map((member) => inner(member) ?? null);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof RegExp || value instanceof URL) return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (ArrayBuffer.isView(value)) return [...(value as unknown as Iterable<unknown>)].map(inner);
  return members(value);
}

function errorFields(error: Error, inner: (member: unknown) => unknown): unknown {
  const { code } = error as { readonly code?: unknown };
  return {
    name: error.name,
    message: error.message,
    ...(code !== undefined && { code: inner(code) }),
    ...(error.cause !== undefined && { cause: inner(error.cause) }),
  };
}
