import { mkdir, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pages, root } from './blocks.js';
import { compile, type Complaint, writeModules } from './compile.js';
import { type BlockRun, execute } from './execute.js';
import { modulesOf } from './modules.js';
import { newSources } from './sources.js';

// Where packages are found as they are in the reader's application.
const folder = `${root}node_modules/.cache/doc-blocks/${randomUUID()}`;
const sourcesFor = newSources();
const modules = pages().flatMap((page) => modulesOf(page, sourcesFor(page)));
const running = modules.filter(({ runs }) => runs);

let complaints: readonly Complaint[];
let runs: readonly BlockRun[];

beforeAll(async () => {
  await mkdir(folder, { recursive: true });
  await writeModules(folder, modules);
  complaints = await compile(folder, modules);
  runs = await execute(folder, running);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('the code on a page compiles', () => {
  const compiled = [...new Set(modules.map(({ page }) => page))];

  it.each(compiled)('%s', (page) => {
    expect(complaints.filter((complaint) => complaint.page === page).map(({ text }) => text)).toEqual([]);
  });

  it('and nothing is wrong besides', () => {
    expect(complaints.filter(({ page }) => page === '')).toEqual([]);
  });
});

describe('the code on a page runs', () => {
  it.each(running.map((module, index) => [`${module.page}:${module.lines[1]}`, index] as const))('%s', (_, index) => {
    expect(runs[index]).toMatchObject({ errors: [], failed: 0 });
    expect(runs[index]?.completed).toBeGreaterThan(0);
  });
});
