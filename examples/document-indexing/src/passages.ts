import type { Database } from '@perdure/core';

export interface Counts {
  /** Documents that have passages. */
  readonly indexed: number;
  readonly passages: number;
  /** Passages that are there more than once. */
  readonly duplicates: number;
}

export interface Hit {
  readonly document: string;
  readonly excerpt: string;
}

/** The searchable passages, in the same Postgres that the engine uses. */
export class Passages {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The table has no unique key, so that a passage stored twice would be there twice. */
  async create(): Promise<void> {
    await this.#database.script(`
      create schema if not exists perdure_demo;
      create table if not exists perdure_demo.passages (
        document text not null,
        ordinal integer not null,
        passage text not null,
        words tsvector generated always as (to_tsvector('english', passage)) stored
      );
      create index if not exists passages_document on perdure_demo.passages (document);
      create index if not exists passages_words on perdure_demo.passages using gin (words);
    `);
  }

  /** Replaces the passages of a document in one statement, so that doing it again changes nothing. */
  async replace(document: string, passages: readonly string[]): Promise<void> {
    await this.#database.query({
      name: 'demo_replace',
      text: `
        with replaced as (delete from perdure_demo.passages where document = $1)
        insert into perdure_demo.passages (document, ordinal, passage)
        select $1, ordinal, passage from unnest($2::text[]) with ordinality as item (passage, ordinal)`,
      values: [document, { arrayOf: 'text', values: passages }],
    });
  }

  async documents(): Promise<string[]> {
    const rows = await this.#database.query<{ document: string }>({
      name: 'demo_documents',
      text: 'select distinct document from perdure_demo.passages',
      values: [],
    });
    return rows.map(({ document }) => document);
  }

  async count(): Promise<Counts> {
    const [counts] = await this.#database.query<{ indexed: number; passages: number; duplicates: number }>({
      name: 'demo_count',
      text: `
        select
          count(distinct document)::int as indexed,
          count(*)::int as passages,
          (count(*) - count(distinct (document, ordinal)))::int as duplicates
        from perdure_demo.passages`,
      values: [],
    });
    return counts ?? { indexed: 0, passages: 0, duplicates: 0 };
  }

  /** The three best passages, each from another document. */
  async search(query: string): Promise<Hit[]> {
    return await this.#database.query<{ document: string; excerpt: string }>({
      name: 'demo_search',
      text: `
        with
          matching as (
            select distinct on (document) document, passage, query, ts_rank(words, query, 1) as rank
            from perdure_demo.passages, websearch_to_tsquery('english', $1) as query
            where words @@ query
            order by document, rank desc, ordinal
          ),
          best as (select * from matching order by rank desc, document limit 3)
        select
          document,
          ts_headline('english', passage, query, 'MaxWords=24, MinWords=12, StartSel=**, StopSel=**') as excerpt
        from best order by rank desc, document`,
      values: [query],
    });
  }
}
