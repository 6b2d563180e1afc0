import { queue, receive, setEvent, stream, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases, type TestDatabase } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';
import { hostileTexts } from './corpus.js';

describe.each(databases)('texts that are meant to break out of SQL, on $name', { timeout: 120_000 }, ({ open }) => {
  it('are ids, keys, names and values like others', async () => {
    const test = await freshDatabase(open);
    const texts = hostileTexts(test.schema);
    expect(texts.length).toBeGreaterThan(1_500);
    const work = workflow('hostile: work', async (text: string) => {
      await setEvent(text, text);
      await stream(text).append(text);
      return [text, await receive<string>(text)];
    });
    const line = queue('hostile: line');
    const perdure = await launchEngine(test, { workflows: [work] });
    const before = await shapeOf(test);
    const runs = await Promise.all(
      texts.map(async (text, no) => {
        const named = work.with({ engine: perdure, workflowId: text, fingerprint: text, attributes: { [text]: text } });
        if (no % 2 === 0) return await named.start(text);
        return await named.with({ queue: line, key: text, deduplication: { id: text } }).start(text);
      }),
    );
    await Promise.all(texts.map((text) => perdure.send(text, text, text, { idempotencyKey: text })));
    expect(await Promise.all(runs.map((run) => run.result()))).toEqual(texts.map((text) => [text, text]));

    const sample = texts.filter((_, no) => no % 20 === 0);
    for (const text of sample) {
      expect(await perdure.getEvent(text, text)).toBe(text);
      const exact = await perdure.runs.list({ attributes: { [text]: text } });
      expect(exact.runs.map(({ workflowId }) => workflowId)).toEqual([text]);
      const { runs: byPrefix } = await perdure.runs.list({ idPrefix: text }, { limit: 1_000 });
      expect(byPrefix.map(({ workflowId }) => workflowId).toSorted()).toEqual(
        texts.filter((other) => other.startsWith(text)).toSorted(),
      );
      for (const filter of [{ name: text }, { version: text }, { queue: text }, { parentId: text }])
        expect(await perdure.runs.list(filter)).toMatchObject({ runs: [] });
      expect((await perdure.runs.steps(text)).map(({ name }) => name)).toContain(text);
      expect(await perdure.runs.explain(text)).toMatchObject({ workflowId: text });
    }
    expect(await perdure.runs.count({})).toMatchObject([{ count: texts.length }]);
    expect(await shapeOf(test)).toEqual(before);
  });

  it('are names of schemas, but for the one that ends the body of a function', async () => {
    const test = await freshDatabase(open);
    const before = await shapeOf(test);
    for (const schema of [`x"; drop schema "${test.schema}"; --`, `a'b`, `"`, '$', '%I', `\\'; --`]) {
      const perdure = await launchEngine(test, { workflows: [], schema });
      expect(await perdure.runs.list()).toMatchObject({ runs: [] });
      await perdure.shutdown();
      await test.administer(`drop schema "${schema.replaceAll('"', '""')}" cascade`);
    }
    const ending = launchEngine(test, { workflows: [], schema: `x$$; drop schema "${test.schema}"; --` });
    await expect(ending).rejects.toMatchObject({ code: 'PERDURE_INVALID_ARGUMENT' });
    expect(await shapeOf(test)).toEqual(before);
  });
});

/** The tables and columns that are there. */
async function shapeOf({ database, schema }: TestDatabase): Promise<unknown> {
  return await database.query({
    name: `test_shape_${schema}`,
    text: `select table_name, column_name, data_type from information_schema.columns where table_schema = $1::text order by 1, 2`,
    values: [schema],
  });
}
