import type { Client } from './client.js';
import { embed } from './embed.js';

export interface Hit {
  readonly url: string;
  readonly page: number;
  readonly passage: string;
}

/** The passages that have to do with a question, the best first. */
export async function search(pool: Client, question: string, hitsMax = 5): Promise<Hit[]> {
  const { rows: columns } = await pool.query(
    `select atttypid = to_regtype('vector') as "isVector"
     from pg_attribute where attrelid = 'passages'::regclass and attname = 'embedding'`,
  );
  const [column] = columns as { readonly isVector: boolean }[];
  const isVector = column?.isVector === true;
  const { rows } = await pool.query(
    // Both lists count by their ranks, so that neither's scores need a unit.
    `with
       by_words as (
         select ctid as id, row_number() over (order by ts_rank_cd(words, query, 1) desc, url, ordinal) as place
         from passages, cast(replace(plainto_tsquery('english', $1)::text, '&', '|') as tsquery) as query
         where words @@ query
         order by place limit 50
       ),
       by_meaning as (${isVector ? nearest : nothing}),
       best as (
         select id, sum(1.0 / (60 + place)) as score
         from (select * from by_words union all select * from by_meaning) as places
         group by id
         order by score desc, id limit $2
       )
     select url, page, passage from best join passages on passages.ctid = best.id order by score desc, url, ordinal`,
    isVector ? [question, hitsMax, JSON.stringify(embed(question))] : [question, hitsMax],
  );
  return rows as Hit[];
}

const nearest = `
  select ctid as id, row_number() over (order by embedding <=> $3::vector, url, ordinal) as place
  from passages
  where embedding is not null
  order by place limit 50`;

const nothing = 'select null::tid as id, null::bigint as place where false';
