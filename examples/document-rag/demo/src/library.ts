import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

const charsMin = 500;
const charsMax = 40_000;

export interface Text {
  readonly path: string;
  readonly markdown: string;
}

/** The first so many texts below a folder that have something to say, no two of them alike. */
export async function readTexts(folder: string, count: number): Promise<Text[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && /\.(md|markdown)$/i.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const texts = new Map<string, Text>();
  for (const path of paths) {
    if (texts.size === count) break;
    const markdown = await readFile(path, 'utf8');
    const isUsable = markdown.length >= charsMin && markdown.length <= charsMax && !markdown.includes('\0');
    if (isUsable) texts.set(markdown, { path: relative(folder, path).replaceAll(sep, '/'), markdown });
  }
  if (texts.size < count) throw new Error(`${folder} has ${texts.size} texts, not ${count}. Run "npm ci" first.`);
  return [...texts.values()];
}
