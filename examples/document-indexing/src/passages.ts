import type { Database } from '@perdure/core';

export interface Counts {
  readonly indexed: number;
  readonly passages: number;
  /** Passages that are there more than once. */
  readonly duplicates: number;
}

export interface Hit {
  readonly document: string;
  readonly passage: string;
}

/** The searchable passages, in the same Postgres that the workflows are stored in. */
export class Passages {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** There is no unique key on purpose: a passage that was stored twice would show. */
  async create(): Promise<void> {
    await this.#database.script(`
      create schema if not exists demo;
      create table if not exists demo.passages (
        document text not null,
        ordinal integer not null,
        passage text not null,
        words tsvector generated always as (to_tsvector('english', passage)) stored
      );
      create index if not exists passages_document on demo.passages (document);
      create index if not exists passages_words on demo.passages using gin (words);
    `);
  }

  /** One statement: a document's old passages go, and its new ones come. So a step that is interrupted may run again. */
  async replace(document: string, texts: readonly string[]): Promise<void> {
    await this.#database.query({
      name: 'demo_replace',
      text: `
        with old as (delete from demo.passages where document = $1::text)
        insert into demo.passages (document, ordinal, passage)
        select $1::text, ordinal, passage from unnest($2::text[]) with ordinality as item(passage, ordinal)`,
      values: [document, { arrayOf: 'text', values: texts }],
    });
  }

  async count(): Promise<Counts> {
    const [counts] = await this.#database.query<{ indexed: number; passages: number; distinct: number }>({
      name: 'demo_count',
      text: `
        select count(distinct document)::int4 as indexed, count(*)::int4 as passages,
          count(distinct (document, ordinal))::int4 as distinct
        from demo.passages`,
      values: [],
    });
    const { indexed = 0, passages = 0, distinct = 0 } = counts ?? {};
    return { indexed, passages, duplicates: passages - distinct };
  }

  async search(query: string): Promise<Hit[]> {
    return await this.#database.query<{ document: string; passage: string }>({
      name: 'demo_search',
      text: `
        select document, passage from demo.passages, websearch_to_tsquery('english', $1::text) as query
        where words @@ query order by ts_rank(words, query) desc, document, ordinal limit 3`,
      values: [query],
    });
  }
}
