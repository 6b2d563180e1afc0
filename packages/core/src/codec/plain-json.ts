const depthMax = 200;

/**
 * Whether `JSON.parse(JSON.stringify(value))` is exactly the value: then it needs no other format. It isn't when an object
 * occurs twice, which JSON would write twice, and a few of those inside each other without end.
 *
 * @param unitsMax values with a longer text in them, or with more members, are not looked at to the end
 */
export function isPlainJson(value: unknown, unitsMax: number): boolean {
  return isPlain(value, { seen: new Set(), unitsMax, members: 0 }, 0);
}

interface Look {
  readonly seen: Set<object>;
  readonly unitsMax: number;
  members: number;
}

function isPlain(value: unknown, look: Look, depth: number): boolean {
  look.members += 1;
  if (look.members > look.unitsMax) return false;
  if (typeof value === 'string') return value.length <= look.unitsMax;
  if (value === null || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object' || depth > depthMax || look.seen.has(value)) return false;
  look.seen.add(value);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      if (!(index in value) || !isPlain(value[index], look, depth + 1)) return false;
    }
    return Object.keys(value).length === value.length;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype || Object.getOwnPropertySymbols(value).length > 0) return false;
  for (const [key, member] of Object.entries(value)) {
    if (key === '__proto__' || key === 'toJSON' || !isPlain(member, look, depth + 1)) return false;
  }
  return true;
}
