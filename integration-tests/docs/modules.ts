import { type Block, blocksOf } from './blocks.js';
import { usedNames } from './names.js';
import type { ImportSource } from './sources.js';

/** A module that is made of blocks of a page. */
export interface DocModule {
  readonly page: string;
  /** Its place among the modules of the page. */
  readonly path: string;
  readonly code: string;
  /** Where in the page each line comes from; null = it was added. */
  readonly lines: readonly (number | null)[];
  readonly runs: boolean;
}

interface Line {
  readonly text: string;
  readonly from: number | null; // null = it was added
}

/** The modules of a page. A block is one; so is each file that a comment in a block's line names: `// src/app.ts`. */
export function modulesOf(page: string, sources: readonly ImportSource[]): readonly DocModule[] {
  return chainsOf(blocksOf(page).filter(({ isFragment }) => !isFragment)).flatMap((chain) => {
    const [first] = chain as [Block];
    const lines = chain.flatMap(({ code, line }) =>
      code.split('\n').map((text, index): Line => ({ text, from: line + index })),
    );
    const runs = chain.some((block) => block.runs);
    const extension = chain.some(({ isTsx }) => isTsx) ? 'tsx' : 'ts';
    return filesIn(lines, `line-${first.line}.${extension}`).map((file) =>
      moduleOf({ page, path: file.path, runs }, file.lines, sources),
    );
  });
}

/** Blocks with those that go on with them. */
function chainsOf(blocks: readonly Block[]): readonly (readonly Block[])[] {
  const chains: Block[][] = [];
  for (const block of blocks) {
    if (block.continues) chains.at(-1)?.push(block);
    else chains.push([block]);
  }
  return chains;
}

function filesIn(lines: readonly Line[], unnamed: string): { path: string; lines: Line[] }[] {
  const files = [{ path: unnamed, lines: [] as Line[] }];
  for (const line of lines) {
    const [, path] = /^\/\/ ([\w./[\]-]+\.tsx?)\b/.exec(line.text) ?? [];
    if (path !== undefined) files.push({ path, lines: [] });
    files.at(-1)?.lines.push(line);
  }
  return files.filter((file) => file.lines.some(({ text }) => text.trim() !== ''));
}

function moduleOf(
  { page, path, runs }: Pick<DocModule, 'page' | 'path' | 'runs'>,
  lines: readonly Line[],
  sources: readonly ImportSource[],
): DocModule {
  const written = lines.map(({ text }) => withoutEllipsis(text)).join('\n');
  const { used, hasImports } = usedNames(path, written);
  const open = sources.filter(({ of }) => of === 'reader' || !hasImports);
  return {
    page,
    path,
    code: [`${importsOf(used, open)} export {};`, written].join('\n'),
    lines: [null, ...lines.map(({ from }) => from)],
    runs,
  };
}

/** `…` stands for code that is left out. */
function withoutEllipsis(text: string): string {
  return text.replace(/(?<=[{)] )…(?= }| \/\/|$)|^\s*…$/g, 'throw null;');
}

/** Each name from the first source that has it. */
function importsOf(used: ReadonlySet<string>, sources: readonly ImportSource[]): string {
  const found = new Set<string>();
  return sources
    .map(({ specifier, names }) => {
      const wanted = names.filter(({ name }) => used.has(name) && !found.has(name));
      for (const { name } of wanted) found.add(name);
      const list = wanted.map(({ name, isType }) => (isType ? `type ${name}` : name));
      return list.length === 0 ? '' : `import { ${list.join(', ')} } from '${specifier}';`;
    })
    .join(' ');
}
