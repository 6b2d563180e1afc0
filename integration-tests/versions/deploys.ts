import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CheckedRun, PerdureClient } from '@perdure/core';
import { migrate, postgres } from '@perdure/core/internal';
import { eventually } from '../recovery/eventually.js';
import { countBegins, readLedger } from '../recovery/ledger.js';
import { forkChild } from '../support/children.js';
import type { Build } from './children/shop.js';

/** What a process of the shop is told. */
export interface ShopJob {
  readonly url: string;
  readonly schema: string;
  readonly build: Build;
  readonly label: string;
  readonly ledger: string;
  /** It looks whether its build fits, and does nothing else. */
  readonly isCheck: boolean;
}

/** What it says. */
export type ShopMessage = 'ready' | { readonly checked: readonly CheckedRun[] };

/** Orders of one stretch of time: half of them are paid at once, the others when they are told. */
interface Orders {
  readonly paid: readonly string[];
  readonly open: readonly string[];
}

/** What was seen while three builds were deployed, one after the other. */
export interface DeployReport {
  /** How many runs were started, and how many of them completed. */
  readonly started: number;
  readonly completed: number;
  /** The versions that took new work: at first, after the second build was promoted, after the third, and after that was rolled back. */
  readonly tookNewWork: Readonly<Record<'first' | 'second' | 'third' | 'rolledBack', readonly string[]>>;
  /** The builds whose processes shipped the orders that the first one had begun: while it was there, and after it had left. */
  readonly shippedFirst: Readonly<Record<'before' | 'after', readonly string[]>>;
  /** Those which shipped the orders of the second build that were open while the third was deployed beside it. */
  readonly shippedSecond: readonly string[];
  /** What each build's check said of the orders that had begun before it, with the step. */
  readonly verdicts: Readonly<Record<'second' | 'third', readonly string[]>>;
  /** Steps that began more than once. */
  readonly repeated: readonly string[];
}

/**
 * Deploys the builds of a shop beside and after each other while orders come in, with processes of their own, and reports
 * what became of the orders.
 */
export async function playDeploys(url: string, schema: string, ordersPerStretch: number): Promise<DeployReport> {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-deploys-'));
  const ledger = join(folder, 'ledger');
  writeFileSync(ledger, '');
  const database = postgres({ url });
  const children: ChildProcess[] = [];
  const spawn = (job: Omit<ShopJob, 'url' | 'schema' | 'ledger'>): ChildProcess => {
    const output = openSync(join(folder, 'log'), 'a');
    const told: ShopJob = { ...job, url, schema, ledger };
    const child = forkChild(new URL('./children/shop-process.ts', import.meta.url), [JSON.stringify(told)], output);
    closeSync(output);
    children.push(child);
    return child;
  };
  const heard = async (child: ChildProcess): Promise<ShopMessage> => {
    const [said] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [ShopMessage | number | null];
    if (typeof said === 'number' || said === null) throw new Error(readFileSync(join(folder, 'log'), 'utf8'));
    return said;
  };
  const launch = async (build: Build, count: number): Promise<ChildProcess[]> => {
    const started = Array.from({ length: count }, (_, no) => spawn({ build, label: `${build} ${no}`, isCheck: false }));
    await Promise.all(started.map(heard));
    return started;
  };
  const check = async (build: Build): Promise<readonly CheckedRun[]> => {
    const said = await heard(spawn({ build, label: `check of ${build}`, isCheck: true }));
    return typeof said === 'string' ? [] : said.checked;
  };

  try {
    await migrate(database, schema);
    const client = await PerdureClient.connect({ database, schema });
    try {
      return await play(client);
    } finally {
      await client.close();
    }
  } finally {
    for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  }

  async function play(client: PerdureClient): Promise<DeployReport> {
    const named = client.workflow('order');
    const all: string[] = [];
    const take = async (): Promise<Orders> => {
      const ids = Array.from({ length: ordersPerStretch }, (_, no) => `order ${all.length + no}`);
      all.push(...ids);
      await Promise.all(ids.map(async (workflowId, no) => await named.with({ workflowId }).start(no)));
      const [paid, open] = [ids.filter((_, no) => no % 2 === 0), ids.filter((_, no) => no % 2 === 1)];
      await pay(paid);
      await eventually('the orders have begun', () => ids.every((id) => begun().has(`${id} charge`)));
      return { paid, open };
    };
    const pay = async (ids: readonly string[]): Promise<void> => {
      await Promise.all(ids.map(async (id) => await client.send(id, 'paid', null)));
    };
    const shipped = async (ids: readonly string[]): Promise<readonly string[]> => {
      await pay(ids);
      await Promise.all(ids.map(async (id) => await client.run(id).result()));
      const lines = readLedger(ledger).filter(({ name, event }) => name === 'ship' && event === 'begin');
      return distinct(lines.filter(({ workflowId }) => ids.includes(workflowId)).map(({ process }) => process[0]!));
    };
    const versionsOf = async ({ paid, open }: Orders): Promise<readonly string[]> =>
      distinct(await Promise.all([...paid, ...open].map(async (id) => (await client.run(id).status()).version)));
    const begun = (): Set<string> => new Set(readLedger(ledger).map(({ workflowId, name }) => `${workflowId} ${name}`));
    const verdictsOn = (checked: readonly CheckedRun[], ids: readonly string[]): readonly string[] =>
      distinct(
        checked
          .filter(({ workflowId }) => ids.includes(workflowId))
          .map(({ verdict, step }) => (step === null ? verdict : `${verdict} at step ${step}`)),
      );

    const ones = await launch('1', 2);
    const first = await take();
    const firstVersions = await versionsOf(first);
    const secondChecked = verdictsOn(await check('2'), first.open);

    const twos = await launch('2', 2);
    await client.versions.promote('order', '2');
    const second = await take();
    const secondVersions = await versionsOf(second);
    const half = Math.ceil(first.open.length / 2);
    const before = await shipped(first.open.slice(0, half));
    // More comes in while the first build leaves.
    const [third] = await Promise.all([take(), leave(ones)]);
    const after = await shipped(first.open.slice(half));

    const thirdChecked = verdictsOn(await check('3'), [...second.open, ...third.open]);
    const threes = await launch('3', 1);
    await client.versions.promote('order', '3');
    const fourth = await take();
    const fourthVersions = await versionsOf(fourth);
    const shippedSecond = await shipped([...second.open, ...third.open]);
    await client.versions.rollBack('order');
    const fifth = await take();
    const fifthVersions = await versionsOf(fifth);
    await shipped([...fourth.open, ...fifth.open]);
    await Promise.all(
      [...second.paid, ...third.paid, ...fourth.paid, ...fifth.paid].map((id) => client.run(id).result()),
    );
    await leave([...twos, ...threes]);

    const statuses = await Promise.all(all.map(async (id) => (await client.run(id).status()).status));
    return {
      started: all.length,
      completed: statuses.filter((status) => status === 'completed').length,
      tookNewWork: { first: firstVersions, second: secondVersions, third: fourthVersions, rolledBack: fifthVersions },
      shippedFirst: { before, after },
      shippedSecond,
      verdicts: { second: secondChecked, third: thirdChecked },
      repeated: [...countBegins(readLedger(ledger))].filter(([, count]) => count > 1).map(([key]) => key),
    };
  }
}

async function leave(children: readonly ChildProcess[]): Promise<void> {
  const exits = children.map((child) => once(child, 'exit'));
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(exits);
}

const distinct = (texts: readonly string[]): readonly string[] => [...new Set(texts)].toSorted();
