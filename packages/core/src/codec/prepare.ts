/** For now the value as it is. */
export function prepare(value: unknown): unknown {
  return value;
}
