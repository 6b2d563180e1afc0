/**
 * Connects to a server that ends each connection in the packet in which it welcomes it, by the driver's own pool and by
 * one of the application's. Prints what each statement was told; an error event that nobody hears ends the process.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import pg from 'pg';
import { classify } from '../../../packages/core/src/database/database-errors.js';
import { type PostgresOptions, postgres } from '../../../packages/core/src/database/postgres.js';

const message = (type: string, body: string | Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([head, Buffer.from(body)]);
};
const welcomeAndFarewell = Buffer.concat([
  message('R', Buffer.alloc(4)), // AuthenticationOk
  message('Z', 'I'), // ReadyForQuery
  message('E', 'SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0'),
]);
const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', () => socket.end(welcomeAndFarewell));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `postgres://user:password@127.0.0.1:${(server.address() as AddressInfo).port}/database`;

const shared = new pg.Pool({ connectionString: url });
const heard: Record<string, string[]> = {};
for (const [name, options] of Object.entries<PostgresOptions>({ own: { url }, shared: { pool: shared } })) {
  const database = postgres(options);
  const statements = Array.from({ length: 5 }, () => database.query({ name: 'one', text: 'select 1', values: [] }));
  const ends = await Promise.allSettled([...statements, database.transaction(async () => {})]);
  heard[name] = ends.map((end) => (end.status === 'rejected' ? classify(end.reason) : end.status));
  await database.close();
}
await shared.end();
server.close();
process.stdout.write(JSON.stringify(heard));
