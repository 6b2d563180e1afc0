import { among, type Bench, pick, type Scenario, takeTurns } from '../bench.js';
import type { ContenderName } from '../contender.js';
import { finding, type Finding } from '../report/finding.js';

interface Spent {
  readonly statements: number;
  readonly commits: number;
  readonly walBytes: number;
}

const nameOf = (url: string): string => new URL(url).pathname.slice(1);

/** What the database counts, of all that has been sent to it by processes that have ended. */
async function spentSoFar({ sql }: Bench, url: string): Promise<Spent> {
  const { rows } = await sql.query<{ statements: string; commits: string; wal: string }>(
    `select (select coalesce(sum(calls), 0) from pg_stat_statements(false) s where s.dbid = d.oid) as statements,
       pg_stat_get_db_xact_commit(d.oid) as commits,
       pg_current_wal_lsn() - '0/0'::pg_lsn as wal
     from pg_database d where datname = $1`,
    [nameOf(url)],
  );
  const [row] = rows;
  return { statements: Number(row?.statements), commits: Number(row?.commits), walBytes: Number(row?.wal) };
}

/** The difference of a long and a short life of a process: what it does at its start and its end doesn't count. */
async function spentOnRuns(bench: Bench, contender: ContenderName, inFlight: number): Promise<Spent> {
  const url = await bench.createDatabase();
  await bench.sql.query(`alter database ${nameOf(url)} set pg_stat_statements.track = 'all'`);
  const live = async (runs: number): Promise<Spent> => {
    const before = await spentSoFar(bench, url);
    const remote = bench.launch();
    try {
      await remote.open({ contender, url, role: 'engine', concurrency: inFlight });
      await remote.do('manyRuns', { runs, inFlight, steps: 10 });
    } finally {
      await remote.close();
    }
    return minus(await spentSoFar(bench, url), before);
  };
  const few = inFlight;
  const many = inFlight === 1 ? 40 : 400;
  await live(few);
  const short = await live(few);
  const long = minus(await live(few + many), short);
  return { statements: long.statements / many, commits: long.commits / many, walBytes: long.walBytes / many };
}

const minus = (a: Spent, b: Spent): Spent => ({
  statements: a.statements - b.statements,
  commits: a.commits - b.commits,
  walBytes: a.walBytes - b.walBytes,
});

async function rowsFor(bench: Bench, inFlight: number): Promise<Finding[]> {
  const names = among(bench, ['perdure', 'dbos', 'openworkflow']);
  const found = await takeTurns(names, bench.isQuick ? 1 : 3, (name) => spentOnRuns(bench, name, inFlight));
  const what = { higherIsBetter: false } as const;
  const of = inFlight === 1 ? 'run of 10 steps, alone' : `run of 10 steps, ${inFlight} in flight`;
  return [
    finding(
      { ...what, name: `statements of a ${of}`, unit: '' },
      pick(found, (it) => it.statements),
    ),
    finding(
      { ...what, name: `commits of a ${of}`, unit: '' },
      pick(found, (it) => it.commits),
    ),
    finding(
      { ...what, name: `WAL of a ${of}`, unit: 'bytes' },
      pick(found, (it) => it.walBytes),
    ),
  ];
}

export const cost: Scenario = {
  name: 'cost',
  about: 'what a run of 10 steps asks of the database: statements, commits, bytes of WAL',
  async measure(bench) {
    await bench.sql.query(`set client_min_messages = error`);
    await bench.sql.query('create extension if not exists pg_stat_statements');
    return [...(await rowsFor(bench, 1)), ...(await rowsFor(bench, 64))];
  },
};
