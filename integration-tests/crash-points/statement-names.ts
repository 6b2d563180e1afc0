import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { nameOf } from './points.js';

const store = fileURLToPath(new URL('../../packages/core/src/store/', import.meta.url));

/** A name in the source: a string, or a template whose holes stand for anything. */
const namings = [/\bstatementName\(\s*(?:'([^']+)'|`([^`]+)`)/g, /\bname: (?:'(perdure_[^']+)'|`(perdure_[^`]+)`)/g];

/**
 * The names of all statements that the store can send, as patterns where the name is made of parts. Read from its source,
 * so that a new statement is on the list by itself.
 */
export function storeStatements(): RegExp[] {
  const names = readdirSync(store, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .flatMap((path) => {
      const text = readFileSync(`${store}${path}`, 'utf8');
      return namings.flatMap((naming) => [...text.matchAll(naming)].map((match) => match[1] ?? match[2]!));
    })
    .filter((name) => !name.startsWith('perdure_${'));
  const plain = names.map((name) => nameOf({ name }));
  return [...new Set(plain)].sort().map((name) => new RegExp(`^${name.replaceAll(/\$\{[^}]*\}/g, '\\w+')}$`));
}

/** The forms that a flush comes in, of which there are too many to meet each: what it writes, and in which mode. */
export function flushForms(): RegExp[] {
  const places = [0, 1, 2].flatMap((place) =>
    ['none', 'one', 'many'].map((count) => `(?:[a-z]+_){${place}}${count}(?:_[a-z]+){${2 - place}}`),
  );
  const sections = [
    ...places,
    ...['enqueued', 'dequeued', 'dead', 'consumed', 'children', 'streamed', 'discarded'].map(
      (section) => `\\w+_${section}_(?:one|many)`,
    ),
  ];
  return ['new', 'missing'].flatMap((mode) => sections.map((section) => new RegExp(`^flush_${mode}_${section}`)));
}
