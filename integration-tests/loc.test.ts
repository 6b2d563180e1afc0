import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Counts {
  readonly lines: number;
  readonly changedPublished: number;
  readonly added: number;
  readonly removed: number;
}

const printed = /^(\S+) +(\d+) +(\d+) +(\d+) +(\+\d+ −\d+)$/;
const documented = /^\| (\S+) +\| +(\d+) \| +(\d+) \| +(\d+) \| +(\+\d+ −\d+) \|$/;

/** The rows of a table, as the words in their cells. */
function rowsOf(text: string, row: RegExp): string[] {
  return text.split('\n').flatMap((line) => row.exec(line)?.slice(1).join(' ') ?? []);
}

it('npm run loc counts few lines for durability', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'loc-test-'));
  const file = join(folder, 'loc.json');
  const { stdout } = await promisify(execFile)('npm', ['run', 'loc', '--silent', '--', '--json', file], { cwd: root });
  const counts = JSON.parse(await readFile(file, 'utf8')) as Record<string, Counts>;
  await rm(folder, { recursive: true });

  expect(Object.keys(counts)).toEqual(['plain-express', 'express', 'nestjs', 'nextjs']);
  expect(counts['plain-express']).toMatchObject({ changedPublished: 0, added: 0, removed: 0 });
  const { lines = 0, changedPublished = 0, added = 0, removed = 0 } = counts['express'] ?? {};
  expect(lines).toBe((counts['plain-express']?.lines ?? 0) + added - removed);
  // Fewer than the published comparison has: 7, and strictly +14 −11.
  expect(changedPublished).toBeGreaterThan(0);
  expect(changedPublished).toBeLessThanOrEqual(5);
  expect([added < 14, removed < 11]).toEqual([true, true]);
  const readme = await readFile(join(root, 'examples/document-rag/README.md'), 'utf8');
  expect(rowsOf(stdout, printed)).toHaveLength(4);
  expect(rowsOf(readme, documented)).toEqual(rowsOf(stdout, printed));
  const comparison = await readFile(join(root, 'docs/comparison.md'), 'utf8');
  const row = new RegExp(
    `^\\| Express with Perdure +\\| +${lines} \\| +${changedPublished} \\| +\\+${added} −${removed} \\|`,
    'm',
  );
  expect(comparison).toMatch(row);
  // What is counted is what is printed.
  expect(stdout.split('\n').filter((line) => line.includes('step.transaction(') && line.startsWith('+'))).not.toEqual(
    [],
  );
});
