/** Uses every kind of connection, closes the database and prints the handles that are left. */
import { postgres } from '../../../packages/core/src/database/postgres.js';

const url = process.argv[2]!;
const database = postgres({ url, statementTimeoutMs: 300 });
await Promise.all(Array.from({ length: 5 }, () => database.script('select pg_sleep(0.01)')));
await database.query({ name: 'control', text: 'select 1', values: [], lane: 'control' });
await database.listen(
  'one',
  () => {},
  () => {},
);
await database.query({ name: 'slow', text: 'select pg_sleep(50)', values: [] }).catch(() => {});
await database.script(
  `select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %' and application_name = 'perdure'`,
);
await database.close();

const lost = postgres({ url: 'postgres://nobody@localhost:1/none' });
await lost.script('select 1').catch(() => {});
await lost.query({ name: 'control', text: 'select 1', values: [], lane: 'control' }).catch(() => {});
await lost
  .listen(
    'one',
    () => {},
    () => {},
  )
  .catch(() => {});
await lost.close();

// A socket that is destroyed counts until the event loop has come round.
await new Promise((resolve) => setTimeout(resolve, 20));
await new Promise((resolve) => setImmediate(resolve));
const used = process.getActiveResourcesInfo().filter((name) => /TCP|Timeout|Immediate/.test(name));
process.stdout.write(JSON.stringify(used));
