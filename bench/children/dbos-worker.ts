/** Arguments: the database's url. */
import { DBOS } from '@dbos-inc/dbos-sdk';
import { ready, tell, work } from './tell.js';

const [systemDatabaseUrl] = process.argv.slice(2) as [string];

DBOS.setConfig({ name: 'bench', systemDatabaseUrl, logLevel: 'error' });
DBOS.registerWorkflow(
  async (id: string) => {
    tell(id, 'began');
    await DBOS.recv('go', 60);
    tell(id, 'received');
    await DBOS.runStep(work, { name: 'work' });
    tell(id, 'returning');
  },
  { name: 'measured' },
);
await DBOS.launch();
await DBOS.registerQueue('measured');
ready();
