import { readFileSync } from 'node:fs';

export interface LimitRow {
  readonly what: string;
  readonly code: string | null; // null = it is no error
  readonly reason: string | null; // null = the code says all
}

/** The rows of docs/limits.md. */
export function limitRows(): LimitRow[] {
  const text = readFileSync(new URL('../../docs/limits.md', import.meta.url), 'utf8');
  const cells = [...text.matchAll(/^\| ([^|]+?) +\| ([^|]+?) +\| [^|]+\|$/gm)].map(([, what, code]) => [what!, code!]);
  return cells
    .filter(([what]) => what !== 'What' && !/^-+$/.test(what!))
    .map(([what, code]) => {
      const [, name = null, , reason = null] = /^`(\w+)`( \(`([\w-]+)`\))?$/.exec(code!) ?? [];
      return { what: what!, code: name, reason };
    });
}
