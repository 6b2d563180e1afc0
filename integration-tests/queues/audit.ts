import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Perdure } from '@perdure/core';
import pg from 'pg';
import { forkChild } from '../support/children.js';
import { eventually } from '../recovery/eventually.js';
import { startPostgres } from '../support/postgres-server.js';
import { auditedQueue } from './audited-queue.js';
import { judge, type Verdict } from './judge.js';

export interface AuditOptions {
  readonly processes: number;
  readonly items: number;
  readonly keys: number;
  /** See {@link auditedQueue}. */
  readonly perPeriod: number;
  readonly killEveryMs: number;
}

const schema = 'audit';

/**
 * Lets processes work a queue off while some of them are killed and replaced, and has what happened judged from two
 * sources that the engine knows nothing of: triggers on its tables, by the order of commits, and what the steps themselves
 * wrote to a file.
 */
export async function audit({ processes, items, keys, perPeriod, killEveryMs }: AuditOptions): Promise<Verdict> {
  const server = await startPostgres(['track_commit_timestamp=on']);
  const folder = mkdtempSync(join(tmpdir(), 'perdure-audit-'));
  const ledger = join(folder, 'ledger');
  writeFileSync(ledger, '');
  const { audited, item } = auditedQueue(perPeriod, async () => {});
  const perdure = await Perdure.launch({ databaseUrl: server.url, schema, workflows: [item], queues: [] });
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query(auditSql);

  const workers: ChildProcess[] = [];
  const launch = async (): Promise<void> => {
    const output = openSync(join(folder, 'log'), 'a');
    const file = new URL('./children/queue-worker.ts', import.meta.url);
    const worker = forkChild(file, [server.url, schema, ledger, String(perPeriod)], output);
    closeSync(output);
    workers.push(worker);
    const [said] = (await Promise.race([once(worker, 'message'), once(worker, 'exit')])) as [unknown];
    if (said !== 'ready') throw new Error(readFileSync(join(folder, 'log'), 'utf8'));
  };
  const killed = new Set<number>();

  try {
    const started = Array.from({ length: processes }, launch);
    const numbers = Array.from({ length: items }, (_, no) => no);
    for (let first = 0; first < items; first += 1_000) {
      await Promise.all(
        numbers.slice(first, first + 1_000).map((no) => {
          const key = `${no % keys}`;
          return audited.with({ workflowId: `item-${no}`, key, engine: perdure }).enqueue(item, { no, key });
        }),
      );
    }
    await Promise.all(started);

    const finished = async (): Promise<number> => {
      const { rows } = await client.query<{ count: number }>(`select count(*)::int4 as count from ${schema}.outcomes`);
      return rows[0]!.count;
    };
    let nextKillAt = performance.now() + killEveryMs;
    const deadlineMs = 120_000 + (items / perPeriod) * 5_000;
    await eventually(
      'every item has an outcome',
      async () => {
        if (performance.now() > nextKillAt) {
          nextKillAt += killEveryMs;
          const worker = workers.shift()!;
          killed.add(worker.pid!);
          worker.kill('SIGKILL');
          await launch();
        }
        return (await finished()) === items;
      },
      deadlineMs,
    );
    return await judge(client, { schema, items, perPeriod, killed, ledger: readFileSync(ledger, 'utf8') });
  } finally {
    for (const worker of workers) worker.kill('SIGKILL');
    await perdure.shutdown({ drainMs: 0 });
    await client.end();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the engine does to its queue, written down by the database itself. */
const auditSql = `
  create table public.item_events (
    no bigint generated always as identity, xid xid not null, workflow_id text not null, key text not null,
    place bigint not null, was_running boolean not null, is_running boolean not null, executor_id uuid
  );
  create function public.note_item() returns trigger language plpgsql as $$ begin
    insert into public.item_events (xid, workflow_id, key, place, was_running, is_running, executor_id)
    select pg_current_xact_id()::xid, coalesce(new.workflow_id, old.workflow_id), coalesce(new.key, old.key),
      coalesce(new.place, old.place), coalesce(old.state = 'running', false), coalesce(new.state = 'running', false),
      case when new.state = 'running' then new.executor_id else old.executor_id end;
    return null;
  end $$;
  create trigger note_item after update or delete on ${schema}.queue_items
    for each row execute function public.note_item();

  create table public.admissions (at timestamptz not null, units integer not null, noted_at timestamptz not null);
  create function public.note_admission() returns trigger language plpgsql as $$ begin
    insert into public.admissions (at, units, noted_at) values (new.at, new.units, clock_timestamp());
    return null;
  end $$;
  create trigger note_admission after insert on ${schema}.queue_admissions
    for each row execute function public.note_admission();`;
