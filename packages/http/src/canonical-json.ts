/**
 * A JSON value as RFC 8785 has it: members sorted by their UTF-16 code units, numbers and strings as JavaScript prints
 * them, no white space. Members that are undefined are left out, as JSON has no such thing.
 */
export function canonicalJson(value: unknown): string {
  return textOf(value, 0) ?? 'null';
}

const depthMax = 200;

function textOf(value: unknown, depth: number): string | undefined {
  if (depth > depthMax) throw new RangeError(`JSON is nested more than ${depthMax} levels deep`);
  if (typeof value === 'object' && value !== null) {
    if ('toJSON' in value && typeof value.toJSON === 'function') {
      return textOf((value.toJSON as () => unknown)(), depth + 1);
    }
    if (Array.isArray(value)) return `[${value.map((item) => textOf(item, depth + 1) ?? 'null').join(',')}]`;
    const members = Object.keys(value)
      .sort()
      .flatMap((key) => {
        const text = textOf((value as Record<string, unknown>)[key], depth + 1);
        return text === undefined ? [] : [`${JSON.stringify(key)}:${text}`];
      });
    return `{${members.join(',')}}`;
  }
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
}
