/** Commits rows into an embedded database, one after another, and says the number of each. */
import { embedded } from '../../../packages/core/src/database/embedded.js';

const database = embedded({ folder: process.argv[2]! });
await database.script('create table if not exists item (no int4 primary key)');
const [row] = await database.query<{ next: number }>({
  name: 'next',
  text: 'select coalesce(max(no), 0)::int4 + 1 as next from item',
  values: [],
});
for (let no = row!.next; ; no += 1) {
  await database.query({ name: 'insert', text: 'insert into item values ($1::int4)', values: [no] });
  process.stdout.write(`${no}\n`);
}
