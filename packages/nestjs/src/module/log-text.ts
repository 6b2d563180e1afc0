/** A message as Nest's loggers take it: text, with fields behind it. */
export function withFields(message: string, fields: Record<string, unknown>): string {
  return Object.entries(fields).reduce((line, [name, value]) => `${line} ${name}=${shown(value)}`, message);
}

function shown(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined');
}
