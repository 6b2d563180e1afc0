/** `tsx with-postgres.ts COMMAND …`: runs a command with a Postgres server of its own, whose URL is in DATABASE_URL. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startPostgres } from './support/postgres-server.js';

const [command = '', ...args] = process.argv.slice(2);
const server = await startPostgres();
// The command hears Ctrl-C by itself; the server stays until it has ended.
process.on('SIGINT', () => {});
try {
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, DATABASE_URL: server.url } });
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
} finally {
  await server.stop();
}
