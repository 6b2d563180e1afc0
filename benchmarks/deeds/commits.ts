import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { median } from '../report/figures.js';

/** The shape of a step's record, as every contender has one: whose it is, which one, what came of it, and when. */
const table = `create table if not exists rows (
  run text not null, no integer not null, kind text not null, name text not null, payload text, failed boolean not null,
  started_at timestamptz not null, finished_at timestamptz not null, primary key (run, no)
)`;

/** One row and one commit after the other, on one connection, as fast as it goes: nothing sequential can be faster. */
export async function singleRowCommits({ url, rows }: { url: string; rows: number }): Promise<{ medianMs: number }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(table);
  const text = `insert into rows values ($1, $2, 'step', 'step', $3, false, to_timestamp($4), to_timestamp($4))`;
  const run = randomUUID();
  const times: number[] = [];
  for (let no = 0; no < rows; no += 1) {
    const since = performance.now();
    await client.query({ name: 'single', text, values: [run, no, '{"ok":true}', since] });
    times.push(performance.now() - since);
  }
  await client.end();
  return { medianMs: median(times) };
}

/** Many rows with each commit, on a few connections of one process: what throughput is measured by. */
export async function multiRowCommits({
  url,
  rows,
  connections,
  windowMs,
}: {
  url: string;
  /** With one statement. */
  rows: number;
  connections: number;
  windowMs: number;
}): Promise<{ rowsPerSecond: number }> {
  const clients = Array.from({ length: connections }, () => new pg.Client({ connectionString: url }));
  await Promise.all(clients.map((client) => client.connect()));
  await clients[0]?.query(table);
  const text = `insert into rows select run, no, 'step', 'step', payload, false, to_timestamp(at), to_timestamp(at)
    from unnest($1::text[], $2::int[], $3::text[], $4::float8[]) as item(run, no, payload, at)`;
  const sinceMs = performance.now();
  let written = 0;
  const write = async (client: pg.Client): Promise<void> => {
    while (performance.now() - sinceMs < windowMs) {
      const run = randomUUID();
      const numbers = Array.from({ length: rows }, (_, no) => no);
      const values = [numbers.map(() => run), numbers, numbers.map(() => '{"ok":true}'), numbers.map(() => sinceMs)];
      await client.query({ name: 'many', text, values });
      written += rows;
    }
  };
  await Promise.all(clients.map(write));
  const seconds = (performance.now() - sinceMs) / 1_000;
  await Promise.all(clients.map((client) => client.end()));
  return { rowsPerSecond: written / seconds };
}
