import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const folder = fileURLToPath(new URL('.', import.meta.url));
/** What a contender's process consists of. */
const sources = ['contender.ts', 'contenders', 'deeds', 'growth', 'process', 'report'];

/**
 * Makes JavaScript of what the contenders' processes run, in a place where the peers are found: what compiles while it loads would
 * be measured with them.
 *
 * @returns the file that a process begins with
 */
export function compileProcesses(): string {
  const output = join(folder, 'node_modules/.cache/processes');
  rmSync(output, { recursive: true, force: true });
  for (const path of sources.flatMap(filesIn)) {
    const { outputText } = ts.transpileModule(readFileSync(join(folder, path), 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
    });
    const file = join(output, path.replace(/ts$/, 'js'));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, outputText);
  }
  writeFileSync(join(output, 'package.json'), '{ "type": "module" }\n');
  return join(output, 'process/main.js');
}

function filesIn(path: string): string[] {
  if (!statSync(join(folder, path)).isDirectory()) return [path];
  return readdirSync(join(folder, path)).flatMap((name) => filesIn(join(path, name)));
}
