/** Arguments: the database's url, the schema, and `polling` for a worker that is told of nothing and asks every second. */
import { Perdure, queue, receive, step, workflow } from '@perdure/core';
import { ready, tell, work } from './tell.js';

const [databaseUrl, schema, mode] = process.argv.slice(2) as [string, string, string];

queue('measured', {});
const measured = workflow('measured', async (id: string) => {
  tell(id, 'began');
  await receive('go');
  tell(id, 'received');
  await step.run('work', work);
  tell(id, 'returning');
});
const polling = mode === 'polling' ? { notifications: false, poll: '1s' } : {};
await Perdure.launch({ databaseUrl, schema, workflows: [measured], ...polling });
ready();
