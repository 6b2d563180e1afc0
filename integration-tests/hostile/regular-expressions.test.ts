import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkSync } from 'recheck';
import ts from 'typescript';
import { expect, it } from 'vitest';

const packages = fileURLToPath(new URL('../../packages', import.meta.url));

interface Found {
  readonly where: string;
  readonly source: string;
  readonly flags: string;
}

/** The literals in the sources of all packages. */
function literals(): Found[] {
  return sources().flatMap((path) => {
    const file = ts.createSourceFile(path, readFileSync(join(packages, path), 'utf8'), ts.ScriptTarget.ES2022);
    const found: Found[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) {
        const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
        const [, source = '', flags = ''] = /^\/(.*)\/([a-z]*)$/s.exec(node.text) ?? [];
        found.push({ where: `${path}:${line + 1}`, source, flags });
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
    return found;
  });
}

function sources(): string[] {
  return readdirSync(packages).flatMap((name) =>
    readdirSync(join(packages, name, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.tsx?$/.test(path) && !path.includes('.test.'))
      .map((path) => join(name, 'src', path)),
  );
}

/** The one that is put together from two. */
function structuredParameters(): Found {
  const where = join('http', 'src', 'structured-field.ts');
  const text = readFileSync(join(packages, where), 'utf8');
  const [item, whole] = [...text.matchAll(/String\.raw`([^\n]*)`/g)].map(([, source]) => source!);
  return { where, source: whole!.replace('${bareItem}', () => item!), flags: '' };
}

it('no regular expression takes longer than in proportion to what it is given', { timeout: 240_000 }, () => {
  const all = [...literals(), structuredParameters()];
  expect(all.length).toBeGreaterThan(50);
  const slow = all.flatMap(({ where, source, flags }) => {
    const found = checkSync(source, flags, { timeout: 20_000 });
    return found.status === 'safe' ? [] : [`${where}: ${found.status}: ${source}`];
  });
  expect(slow).toEqual([]);
});
