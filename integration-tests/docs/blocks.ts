import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { visit } from 'unist-util-visit';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** A code block of a page. */
export interface Block {
  readonly page: string;
  /** The line of the page that the code begins in. */
  readonly line: number;
  readonly code: string;
  readonly isTsx: boolean;
  /** Goes on with the block before it, as one module. */
  readonly continues: boolean;
  /** Cannot stand alone, and is not compiled. */
  readonly isFragment: boolean;
  /** Is executed, too. */
  readonly runs: boolean;
}

/** What the words after the language of a fence may be; CONTRIBUTING.md says what they mean. */
const marks = ['continues', 'fragment', 'runs'];

/** Everything in Markdown that is written for users, by its path from the root of the repository. */
export function pages(): readonly string[] {
  const inFolder = (folder: string): string[] =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`);
  const readmes = ['packages', 'examples'].flatMap((folder) =>
    readdirSync(`${root}${folder}`)
      .map((name) => `${folder}/${name}/README.md`)
      .filter((path) => isThere(path)),
  );
  return ['README.md', ...inFolder('docs').filter((path) => path.endsWith('.md')), ...readmes].toSorted();
}

function isThere(path: string): boolean {
  try {
    readFileSync(`${root}${path}`);
    return true;
  } catch {
    return false;
  }
}

/** The blocks of a page that are TypeScript. */
export function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = [];
  visit(fromMarkdown(readFileSync(`${root}${page}`, 'utf8')), 'code', ({ lang, meta, value, position }) => {
    if (!/^(ts|tsx|typescript)$/.test(lang ?? '')) return;
    const line = (position?.start.line ?? 0) + 1;
    const words = (meta ?? '').split(' ').filter((word) => word !== '');
    const unknown = words.filter((word) => !marks.includes(word));
    if (unknown.length > 0) throw new Error(`${page}:${line - 1}: a block cannot be marked "${unknown.join(' ')}".`);
    blocks.push({
      page,
      line,
      code: value,
      isTsx: lang === 'tsx',
      continues: words.includes('continues'),
      isFragment: words.includes('fragment'),
      runs: words.includes('runs'),
    });
  });
  return blocks;
}
