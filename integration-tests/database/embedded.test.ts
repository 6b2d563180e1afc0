import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { embedded } from '../../packages/core/src/database/embedded.js';
import { Child } from './child.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdure-embedded-test-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const one = { name: 'one', text: 'select 1 as one', values: [] };

it("leaves a caller's own PGlite open, without a trace", async () => {
  const pglite = await PGlite.create();
  const database = embedded({ pglite });
  const heard: string[] = [];
  const subscription = await database.listen(
    'own',
    (payload) => heard.push(payload),
    () => {},
  );
  await pglite.exec(`notify own, 'a'`);
  await expect.poll(() => heard).toEqual(['a']);
  await database.close();
  await subscription.unsubscribe();
  await expect(database.query(one)).rejects.toMatchObject({ code: 'PERDURE_DATABASE_CLOSED' });
  await pglite.exec(`notify own, 'b'`);
  expect((await pglite.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  expect(heard).toEqual(['a']);
  await pglite.close();
});

it('keeps a folder for itself, and gives it up when it is closed', { timeout: 60_000 }, async () => {
  const [first, second] = [embedded({ folder }), embedded({ folder })];
  await first.script('create table item (no int4)');
  await expect(second.query(one)).rejects.toMatchObject({ code: 'PERDURE_FOLDER_IN_USE', data: { pid: process.pid } });
  await first.close();
  await expect(second.query({ ...one, text: 'select count(*)::int4 as one from item' })).resolves.toEqual([{ one: 0 }]);
  await second.close();
});

it('has every committed row after kill -9, and can be opened at once', { timeout: 120_000 }, async () => {
  let last = 0;
  for (let round = 0; round < 2; round += 1) {
    const writer = new Child(new URL('./children/write-rows.ts', import.meta.url), folder);
    while (last < 100 * (round + 1)) last = Number(await writer.hear());
    await writer.kill();
  }
  const database = embedded({ folder });
  const rows = await database.query<{ no: number }>({
    name: 'rows',
    text: 'select no from item order by no',
    values: [],
  });
  await database.close();
  expect(rows.length).toBeGreaterThanOrEqual(last);
  expect(rows.map(({ no }) => no)).toEqual(rows.map((_, index) => index + 1));
});

it('closes while it opens, and when it was never used', async () => {
  const database = embedded({ folder });
  const query = database.query(one).catch((error: unknown) => error);
  await database.close();
  await query;
  const unused = embedded({ folder });
  await unused.close();
  await expect(unused.query(one)).rejects.toMatchObject({ code: 'PERDURE_DATABASE_CLOSED' });
});
