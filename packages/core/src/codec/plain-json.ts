const depthMax = 200;

/** Whether `JSON.parse(JSON.stringify(value))` is exactly the value: then it needs no other format. */
export function isPlainJson(value: unknown, depth = 0): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object' || depth > depthMax) return false;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      if (!(index in value) || !isPlainJson(value[index], depth + 1)) return false;
    }
    return Object.keys(value).length === value.length;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype || Object.getOwnPropertySymbols(value).length > 0) return false;
  for (const [key, member] of Object.entries(value)) {
    if (key === '__proto__' || key === 'toJSON' || !isPlainJson(member, depth + 1)) return false;
  }
  return true;
}
