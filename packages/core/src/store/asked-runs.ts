/**
 * The CTE of questions about runs: `asked` has their columns, and whether each run is `known` and has `ended`. It is looked at
 * before what is asked for, so that whatever came before the end is then seen.
 *
 * @param columns of the questions, given as the parameters `$1::text[], $2::text[], $3::int4[]`, and the name of their order
 */
export const askedRuns = (schema: string, columns: string): string => `
  asked as materialized (
    select asked.*, r.workflow_id is not null as known,
      r.state = 'settled' or exists (
        select 1 from ${schema}.outcomes o where o.workflow_id = asked.workflow_id
      ) as ended
    from unnest($1::text[], $2::text[], $3::int4[]) with ordinality as asked(${columns})
    left join ${schema}.runs r on r.workflow_id = asked.workflow_id
  )`;
