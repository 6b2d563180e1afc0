import { expect, it } from 'vitest';
import { Cluster } from './cluster.js';
import { eventually } from './eventually.js';
import { countBegins } from './ledger.js';
import type { Start } from './worker-process.js';

const leaseMs = 1_500;
const runsOf = (gate: string, count: number): Start[] =>
  Array.from({ length: count }, (_, no) => ({ workflow: 'signed', workflowId: `${gate}-${no}`, args: [gate] }));

it(
  'refuses all that a process writes after its lease was taken over, and lets it start again under a new id',
  { timeout: 90_000 },
  async () => {
    const cluster = await Cluster.create();
    const [a, b] = await Promise.all([
      cluster.launch('A', { leaseMs, noticesLate: true }),
      cluster.launch('B', { leaseMs }),
    ]);
    await auditWrites(cluster);
    // B finishes the early ones while A is stopped, and is in the middle of the late ones when A wakes up.
    const [early, late, last] = [runsOf('early', 10), runsOf('late', 10), runsOf('last', 1)];
    await a.start(...early, ...late, ...last);
    await cluster.ledgerHas(21, 'A waits at a gate', (line) => line.event === 'waits' && line.process === 'A');
    const firstId = await a.executorId();

    a.signal('SIGSTOP');
    cluster.open('early.B');
    await eventually('B finished the early runs', async () => (await cluster.countOutcomes()) === early.length);
    await cluster.ledgerHas(21, 'B waits at a gate', (line) => line.event === 'waits' && line.process === 'B');
    const takenOverAt = await lastAudited(cluster);
    expect(await writesOf(cluster, 'A', takenOverAt)).toEqual([]);

    // Almost all that A waits for is there at once when it wakes up.
    cluster.open('early.A');
    cluster.open('late.A');
    a.signal('SIGCONT');
    await cluster.ledgerHas(
      20,
      'A got through a gate',
      (line) => line.event === 'end' && line.name === 'sign' && line.process === 'A',
    );
    const secondId = await eventually('A has a new executor id', async () => {
      const id = await a.executorId();
      return id !== firstId && id;
    });
    expect(secondId).not.toBe(await b.executorId());
    expect(await writesOf(cluster, 'A', takenOverAt)).toEqual([]);
    await a.hears('refused');
    const aborted = cluster.ledger.filter((line) => line.event === 'aborted' && line.process === 'A');
    expect(aborted.map((line) => line.workflowId)).toEqual(['last-0']);
    await a.start({ workflow: 'signed', workflowId: 'afterwards', args: ['late'] });
    expect(await a.ends(['afterwards'])).toMatchObject([{ value: { by: 'A' } }]);

    cluster.open('late.B');
    cluster.open('last.B');
    const workflowIds = [...early, ...late, ...last].map((run) => run.workflowId);
    const ends = workflowIds.map(() => ({ value: { before: 2, by: 'B', after: 3 } }));
    expect(await b.ends(workflowIds)).toEqual(ends);
    expect(await a.ends(workflowIds)).toEqual(ends);
    for (const status of await b.statuses(workflowIds)) {
      expect(status).toMatchObject({ status: 'completed', attempt: 2, crashes: [{ attempt: 1, executorId: firstId }] });
    }

    // What A wrote after the takeover belongs to the run that it started under its new id.
    const written = await writesOf(cluster, 'A', takenOverAt);
    expect(new Set(written.map((write) => write.workflow_id))).toEqual(new Set(['afterwards']));
    const old = cluster.ledger.filter((line) => line.workflowId !== 'afterwards');
    for (const [key, count] of countBegins(old)) expect([key, count]).toEqual([key, key.endsWith(':1') ? 2 : 1]);
    expect(old.filter((line) => line.process === 'A' && line.event === 'begin')).toHaveLength(42);
  },
);

it(
  'takes a run over only after the writes that the dead process still had in flight',
  { timeout: 90_000 },
  async () => {
    const cluster = await Cluster.create();
    const [a, b] = await Promise.all([cluster.launch('A', { leaseMs }), cluster.launch('B', { leaseMs })]);
    await a.start({ workflow: 'signed', workflowId: 'run', args: ['gate'] });
    await cluster.ledgerHas(1, 'A waits at the gate', (line) => line.event === 'waits');

    // The last write that A sent is held up in the server, where it goes on without A.
    await cluster.sql(`
      create function ${cluster.schema}.hold_up() returns trigger language plpgsql as $$ begin
        perform pg_advisory_xact_lock_shared(hashtext('${cluster.schema}'));
        return new;
      end $$;
      create trigger hold_up before insert on ${cluster.schema}.checkpoints
        for each row execute function ${cluster.schema}.hold_up();
      select pg_advisory_lock(hashtext('${cluster.schema}'))`);
    cluster.open('gate');
    await eventually('the write of A waits', () => isWaiting(cluster, 'A'));
    await a.kill();
    const begunByB = () => cluster.ledger.some((line) => line.process === 'B');
    await eventually('the takeover waits', async () => begunByB() || (await isWaiting(cluster, 'B')));
    await cluster.sql(`select pg_advisory_unlock(hashtext('${cluster.schema}'))`);

    expect(await b.ends(['run'])).toEqual([{ value: { before: 2, by: 'A', after: 3 } }]);
    expect([...countBegins(cluster.ledger).values()]).toEqual([1, 1, 1]);
  },
);

async function isWaiting(cluster: Cluster, label: string): Promise<boolean> {
  const waiting = await cluster.sql(
    `select 1 from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock'`,
    [cluster.applicationName(label)],
  );
  return waiting.length > 0;
}

interface Write {
  readonly workflow_id: string;
  readonly relation: string;
}

/** Has the database itself note who wrote which row, in the order of writing. */
async function auditWrites(cluster: Cluster): Promise<void> {
  await cluster.sql(`
    create table ${cluster.schema}.audit (
      no bigint generated always as identity, writer text, relation text, workflow_id text);
    create function ${cluster.schema}.audit() returns trigger language plpgsql as $$ begin
      insert into ${cluster.schema}.audit (writer, relation, workflow_id)
        values (split_part(current_setting('application_name'), '.', 2), tg_table_name, new.workflow_id);
      return null;
    end $$;
    create trigger audit after insert or update on ${cluster.schema}.runs for each row execute function ${cluster.schema}.audit();
    create trigger audit after insert or update on ${cluster.schema}.checkpoints for each row execute function ${cluster.schema}.audit();
    create trigger audit after insert or update on ${cluster.schema}.outcomes for each row execute function ${cluster.schema}.audit()`);
}

async function lastAudited(cluster: Cluster): Promise<string> {
  const [row] = await cluster.sql<{ last: string }>(`select max(no) as last from ${cluster.schema}.audit`);
  return row!.last;
}

async function writesOf(cluster: Cluster, writer: string, after: string): Promise<Write[]> {
  return await cluster.sql<Write>(
    `select workflow_id, relation from ${cluster.schema}.audit where writer = $1 and no > $2 order by no`,
    [writer, after],
  );
}
