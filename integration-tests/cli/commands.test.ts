import { chmod, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { type Perdure, printMigrations } from '@perdure/core';
import { expect, it } from 'vitest';
import { databases, type TestDatabase } from '../support/databases.js';
import { afterThisTest, freshDatabase, launchEngine } from '../support/engines.js';
import { shop } from './children/shop.js';
import { bundleCli, CommandLine, modules } from './cli.js';

bundleCli();

const { order, approval, invoice, invoices, ship, tick } = shop('1');
const [postgres] = databases;

interface Shop {
  readonly test: TestDatabase;
  readonly perdure: CommandLine;
  readonly engine: Perdure;
}

/** A database with an engine of this process, and the command line on it. */
async function openShop(): Promise<Shop> {
  const test = await freshDatabase(postgres!.open);
  const engine = await launchEngine(test, { workflows: [order, approval, invoice, ship, tick] });
  return { test, engine, perdure: commandLineOf(test) };
}

const commandLineOf = ({ url, schema }: TestDatabase): CommandLine => new CommandLine({ url: url!, schema });

/** Lets an order end, one way or the other. */
async function place(engine: Perdure, workflowId: string, isBad = false): Promise<void> {
  await order
    .with({ engine, workflowId, attributes: { tenant: 'acme' } })({ card: 'card-4111', isBad })
    .catch(() => {});
}

/** The width of the longest line, but for words that are longer than a line, and for commands to copy. */
const widest = (text: string): number =>
  Math.max(...text.split('\n').map((line) => (mayBeLong(line) ? 0 : line.length)));

const mayBeLong = (line: string): boolean => /^ *(\S*|perdure .*)$/.test(line);

it('lists, counts, shows and explains runs at 80 columns, without colours, and what they were given only if asked', async () => {
  const { engine, perdure, test } = await openShop();
  await Promise.all([place(engine, 'order-1'), place(engine, 'order-2', true)]);
  const [list, found, count, words, shown, payloads, explained, explanation] = await Promise.all([
    perdure.say('list'),
    perdure.json('list', '--name', 'order', '--status', 'failed,dead', '--attribute', 'tenant=acme', '--limit', '1'),
    perdure.json('count', '--by', 'name', '--by', 'status'),
    perdure.say('show', 'order-1'),
    perdure.json('show', 'order-1'),
    perdure.json('show', 'order-1', '--payloads'),
    perdure.say('explain', 'order-2'),
    perdure.json('explain', 'order-2'),
  ]);
  expect(list.split('\n')[0]).toMatch(/^ID +WORKFLOW +STATUS +AGE +TOOK/);
  expect(list).toMatch(/^order-1 +order +completed/m);
  const { runs } = await engine.runs.list({ id: 'order-2' });
  const { context: _, ...failed } = runs[0]!;
  expect(found).toEqual({ runs: [failed], next: null });
  expect(count).toEqual(await engine.runs.count({}, { by: ['name', 'status'] }));
  expect(words).toMatch(/^0 ✓ charge +█+ .* ms$/m);
  expect(words).toMatch(/^1 ✓ child ship +░+ .* ms$/m);
  expect(words).toMatch(/^order-1\.0 +ship +completed$/m);
  expect(JSON.stringify(shown)).not.toContain('4111');
  expect(shown).toMatchObject({
    run: { workflowId: 'order-1', status: 'completed', attributes: { tenant: 'acme' } },
    steps: [
      { step: 0, name: 'charge', status: 'completed' },
      { step: 1, kind: 'child' },
    ],
    children: [{ workflowId: 'order-1.0', name: 'ship', status: 'completed' }],
    hasMore: false,
  });
  expect(payloads).toMatchObject({
    run: { input: [{ card: 'card-4111' }], result: 'shipped to card-4111' },
    steps: [{ value: 'charged card-4111' }, { value: 'labelled' }],
  });
  expect(explained).toContain(`perdure fork order-2 --from failed --schema ${test.schema}`);
  expect(explanation).toEqual(JSON.parse(JSON.stringify(await engine.runs.explain('order-2'))));
  for (const text of [list, words, explained]) {
    expect(text).not.toContain('\u001B');
    expect(text).not.toContain('4111');
    expect(widest(text)).toBeLessThanOrEqual(80);
  }
});

it('tells the trace of a run from its history, as the API does', async () => {
  const { engine, perdure } = await openShop();
  await place(engine, 'order-1');
  const [trace, alone] = await Promise.all([
    perdure.say('trace', 'order-1', '--service-name', 'shop'),
    perdure.json('trace', 'order-1', '--no-children'),
  ]);
  expect(JSON.parse(trace)).toEqual(await engine.runs.trace('order-1', { serviceName: 'shop' }));
  expect(alone).toEqual(await engine.runs.trace('order-1', { children: false }));
});

it('goes on where an earlier list or an earlier part of the steps has ended', async () => {
  const { engine, perdure } = await openShop();
  for (const id of ['a', 'b', 'c']) await place(engine, id);
  const first = await perdure.run('list', '--roots', '--oldest', '--limit', '2');
  expect(first.stdout).toMatch(/^a .*\nb .*\n$/m);
  const [, after = ''] = /--after (\S+)/.exec(first.stderr)!;
  expect(await perdure.json('list', '--roots', '--oldest', '--after', after)).toMatchObject({
    runs: [{ workflowId: 'c' }],
    next: null,
  });
  const [begin, rest] = await Promise.all([
    perdure.json('show', 'a', '--limit', '1'),
    perdure.json('show', 'a', '--after', '0'),
  ]);
  expect(begin).toMatchObject({ steps: [{ step: 0 }], hasMore: true });
  expect(rest).toMatchObject({ steps: [{ step: 1 }], hasMore: false });
});

it('cancels, resumes, restarts and deletes runs, one or many, and asks before many', async () => {
  const { engine, perdure } = await openShop();
  await Promise.all(
    ['wait-1', 'wait-2'].map(async (workflowId) => await approval.with({ engine, workflowId }).start()),
  );
  await place(engine, 'order-1', true);
  expect(await perdure.json('cancel', 'wait-1')).toEqual({ changed: ['wait-1'], unchanged: [] });
  await expect.poll(async () => (await engine.run('wait-1').status()).status).toBe('cancelled');

  const [none, unasked, dry, both, ...ofAll] = await Promise.all([
    perdure.run('cancel'),
    perdure.run('cancel', '--name', 'approval'),
    perdure.json('cancel', '--name', 'approval', '--dry-run'),
    perdure.run('cancel', 'wait-2', '--name', 'approval'),
    perdure.run('delete', '--id-prefix', '', '--yes'),
    perdure.run('export', '--id-prefix', ''),
  ]);
  for (const refused of [none, ...ofAll]) {
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('Which runs?') as string });
  }
  expect(unasked).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('cancel 1 run.') as string });
  expect(dry).toEqual({ found: 1, limit: 1_000 });
  expect(both.code).toBe(2);
  expect((await engine.run('wait-2').status()).cancelRequested).toBe(false);
  expect(await perdure.json('cancel', '--name', 'approval', '--yes')).toEqual({ changed: ['wait-2'], unchanged: [] });

  const resumed = await perdure.run('resume', 'wait-1', 'order-1', 'none', '--json');
  expect(resumed.code).toBe(4);
  expect(JSON.parse(resumed.stdout)).toMatchObject({
    changed: ['wait-1'],
    unchanged: [{ workflowId: 'order-1' }, { workflowId: 'none', why: 'there is no such run' }],
  });
  expect(await perdure.run('resume', 'none', 'nobody')).toMatchObject({
    stdout: '0 runs resumed.\n\n2 runs left alone: there is no such run\n  none, nobody\n',
  });
  expect(await perdure.say('restart', '--status', 'failed', '--yes')).toContain('1 run restarted.');
  await expect.poll(async () => (await engine.run('order-1').status()).status).toBe('failed');
  expect(await perdure.json('delete', 'order-1')).toEqual({ changed: ['order-1'], unchanged: [] });
  expect(await engine.runs.count({ id: 'order-1' })).toEqual([]);
});

it('does nothing to runs that are named, if it is only to say how many there are', async () => {
  const { engine, perdure } = await openShop();
  await place(engine, 'order-1');
  await approval.with({ engine, workflowId: 'wait-1' }).start();
  const [deleted, words, cancelled, forked, ...others] = await Promise.all([
    perdure.json('delete', 'order-1', 'none', 'none', '--dry-run'),
    perdure.say('delete', 'order-1', 'none', '--dry-run'),
    perdure.say('cancel', 'wait-1', '--dry-run'),
    perdure.json('fork', 'order-1', '--workflow-id', 'fork-1', '--dry-run'),
    perdure.json('fork', 'order-1', '--dry-run'),
    perdure.json('restart', 'order-1', '--dry-run'),
    perdure.json('resume', 'order-1', '--dry-run'),
  ]);
  expect(deleted).toEqual({ found: 1, named: 2 });
  expect(words).toBe('It would be about 1 run of 2 that are named.\n');
  expect(cancelled).toBe('It would be about 1 run.\n');
  for (const dry of [forked, ...others]) expect(dry).toEqual({ found: 1, named: 1 });
  const { runs } = await engine.runs.list({}, { order: 'oldest' });
  expect(runs.map(({ workflowId }) => workflowId).sort()).toEqual(['order-1', 'order-1.0', 'wait-1']);
  expect((await engine.run('wait-1').status()).cancelRequested).toBe(false);
});

it('says where help is when it is called in a way that it does not know', async () => {
  const { perdure } = await openShop();
  const [unknown, missing] = await Promise.all([perdure.run('frobnicate'), perdure.run('check')]);
  for (const [ended, why] of [
    [unknown, "unknown command 'frobnicate'"],
    [missing, "missing required argument 'modules'"],
  ] as const) {
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain(`perdure: ${why}\nSee perdure help, and perdure help COMMAND.\n`);
  }
});

it('forks runs from a step, by its number, its name or its failure', async () => {
  const { engine, perdure } = await openShop();
  await place(engine, 'order-1', true);
  expect(await perdure.json('fork', 'order-1', '--from', 'failed', '--workflow-id', 'fork-1')).toEqual({
    forks: [{ workflowId: 'fork-1', forkedFrom: 'order-1', step: 0 }],
  });
  expect(await perdure.json('fork', 'order-1', '--from-step', 'charge', '--any-version')).toMatchObject({
    forks: [{ forkedFrom: 'order-1', step: 0 }],
  });
  expect(await perdure.json('fork', '--name', 'order', '--version', '1', '--from', '1', '--yes')).toMatchObject({
    forks: [{ step: 1 }, { step: 1 }, { step: 1 }],
  });
  expect(await perdure.run('fork', 'order-1', '--from', 'charge')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--from-step') as string,
  });
});

it('shows, pauses and changes queues, and puts dead letters back', async () => {
  const { engine, perdure } = await openShop();
  const letters = ['letter-1', 'letter-2'];
  for (const workflowId of letters) {
    const run = await invoices.with({ engine, workflowId }).enqueue(invoice, -1);
    await run.result().catch(() => {});
  }
  const [list, words, shown, dead, more] = await Promise.all([
    perdure.json('queues'),
    perdure.say('queues'),
    perdure.say('queues', 'invoices'),
    perdure.json('queues', 'dead-letters', 'invoices'),
    perdure.run('queues', 'dead-letters', 'invoices', '--limit', '1'),
  ]);
  expect(list).toEqual([await engine.queues.get('invoices')]);
  expect(words).toMatch(/^invoices +open +0 +0 +0 +2 +2 at once, 100 in 1m$/m);
  expect(shown).toMatch(/^dead letters +2$/m);
  expect(dead).toMatchObject([{ workflowId: 'letter-1', error: { name: 'RangeError' } }, { workflowId: 'letter-2' }]);
  expect(more.stderr).toContain('--after');

  expect(await perdure.json('queues', 'pause', 'invoices')).toMatchObject({ isPaused: true });
  expect(await perdure.json('queues', 'change', 'invoices', '--concurrency', '5', '--rate', 'none')).toMatchObject({
    settings: { concurrency: 5 },
  });
  expect((await engine.queues.get('invoices')).settings).toEqual({ concurrency: 5 });
  expect(await perdure.json('redrive', 'invoices', 'letter-1')).toEqual({ redriven: ['letter-1'] });
  expect(await perdure.run('redrive', 'invoices', 'letter-9')).toMatchObject({ code: 4 });
  expect(await perdure.json('queues', 'drop', 'invoices', 'letter-2')).toEqual({ dropped: ['letter-2'] });
  expect(await perdure.say('queues', 'resume', 'invoices')).toBe('Queue "invoices": open, 5 at once.\n');
  expect(await perdure.json('queues', 'reset', 'invoices')).toMatchObject({ settings: { concurrency: 2 } });
});

it('shows, pauses, triggers, backfills and deletes schedules', async () => {
  const { engine, perdure } = await openShop();
  await expect.poll(() => engine.schedules.list()).toHaveLength(1);
  const [list, words, shown] = await Promise.all([
    perdure.json('schedules'),
    perdure.say('schedules'),
    perdure.say('schedules', 'show', 'ticks'),
  ]);
  expect(list).toMatchObject([{ name: 'ticks', workflow: 'tick', timing: { every: 3_600_000 } }]);
  expect(words).toMatch(/^ticks +every 1h +(in \w+|due) /m);
  expect(shown).toMatch(/^workflow +tick$/m);
  const triggered = (await perdure.json('schedules', 'trigger', 'ticks')) as { workflowId: string };
  expect(await engine.run(triggered.workflowId).result()).toBe('ticked');
  const filled = await perdure.json(
    'schedules',
    'backfill',
    'ticks',
    '--from',
    '2026-01-01',
    '--to',
    '2026-01-01T03:00Z',
  );
  expect(filled).toEqual({ workflowIds: [0, 1, 2].map((hour) => `ticks@2026-01-01T0${hour}:00:00.000Z`) });
  expect(await perdure.json('schedules', 'pause', 'ticks')).toMatchObject({ isPaused: true });
  expect(await perdure.say('schedules', 'resume', 'ticks')).toMatch(/^Schedule "ticks": (in \w+|due)\.$/m);
  expect(await perdure.json('schedules', 'delete', 'ticks')).toEqual({ deleted: 'ticks' });
});

it('lists, promotes and rolls back versions, and names runs that nobody has the code of', async () => {
  const { engine, test, perdure } = await openShop();
  await approval.with({ engine, workflowId: 'left' }).start();
  expect(await perdure.json('versions', 'order')).toMatchObject([{ workflow: 'order', version: '1', executors: 1 }]);
  expect(await perdure.json('versions', 'promote', 'order', '1')).toEqual({ workflow: 'order', promoted: '1' });
  expect(await perdure.say('versions')).toMatch(/^order +1 +promoted +1 +0 +0/m);
  expect(await perdure.json('versions', 'roll-back', 'order')).toEqual({ workflow: 'order', promoted: null });
  expect(await perdure.run('versions', 'promote', 'order', '9')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('PERDURE_VERSION_NOT_FOUND') as string,
  });
  await engine.shutdown({ drainMs: 0 });
  const stranded = await commandLineOf(test).json('versions', 'stranded');
  expect(stranded).toEqual([{ workflow: 'approval', version: '1', runs: 1, workflowIds: ['left'] }]);
});

it('checks a build, names what it cannot go on with, and hands over what it can', async () => {
  const { engine, perdure } = await openShop();
  await engine.queues.pause('invoices');
  await order.with({ engine, workflowId: 'later', queue: invoices }).start({ card: 'visa' });
  for (const workflowId of ['asked', 'asked too']) {
    await approval.with({ engine, workflowId }).start();
    await expect.poll(() => engine.runs.steps(workflowId)).toHaveLength(1);
  }
  await engine.shutdown({ drainMs: 0 });
  expect(await perdure.json('check', modules['1'])).toEqual({
    checked: 3,
    compatible: 3,
    diverges: 0,
    needsOldCode: 0,
    adopted: 0,
    runs: [],
  });
  const [found, words] = await Promise.all([
    perdure.run('check', modules['2'], '--json'),
    perdure.run('check', modules['2']),
  ]);
  expect(found.code).toBe(3);
  expect(JSON.parse(found.stdout)).toMatchObject({
    checked: 3,
    diverges: 2,
    runs: ['asked', 'asked too'].map((workflowId) => ({
      workflowId,
      version: '1',
      checkedWith: '2',
      verdict: 'diverges',
      step: 0,
    })),
  });
  expect(words).toMatchObject({ code: 3, stdout: expect.stringContaining('"ask twice"') as string });
  // What was found is told of each, line by line, and once what can be done about it.
  expect(words.stdout.match(/^ {2}recorded \S+: step "ask"$/gm)).toHaveLength(2);
  expect(words.stdout.match(/remedies:$/gm)).toHaveLength(1);
  expect(widest(words.stdout)).toBeLessThanOrEqual(80);
  const adopting = await perdure.run('check', modules['2'], '--adopt', '--json');
  expect(JSON.parse(adopting.stdout)).toMatchObject({ compatible: 1, adopted: 1 });
  expect(await perdure.json('list', '--version', '2')).toMatchObject({ runs: [{ workflowId: 'later' }] });
});

it('takes runs from one database to another, with what is to be left out left out', async () => {
  const { engine, perdure } = await openShop();
  await place(engine, 'order-1');
  const file = join(tmpdir(), `perdure-${randomUUID()}.json`);
  afterThisTest(() => rm(file));
  for (let no = 0; no < 2; no += 1) {
    expect(await perdure.json('export', '--name', 'order', '--redact', 'card', '--output', file)).toEqual({
      output: file,
      workflowIds: ['order-1', 'order-1.0'],
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    // The second time, there is a file that others can read.
    await chmod(file, 0o644);
  }
  const archive = await readFile(file, 'utf8');
  expect(JSON.parse(await perdure.say('export', 'order-1', '--redact', 'card'))).toEqual(JSON.parse(archive));
  expect(archive).not.toContain('"card-4111"');

  const other = await freshDatabase(postgres!.open);
  const elsewhere = commandLineOf(other);
  await elsewhere.say('migrate');
  expect(await elsewhere.json('import', file)).toEqual({ imported: ['order-1', 'order-1.0'], existing: [] });
  expect(await elsewhere.run('import', file)).toMatchObject({ code: 4 });
  expect(await elsewhere.json('show', 'order-1', '--payloads')).toMatchObject({
    run: { input: [{ card: '[redacted]' }] },
  });
});

it('prunes what has ended, by age and by number', async () => {
  const { engine, perdure } = await openShop();
  for (const id of ['order-1', 'order-2', 'order-3']) await place(engine, id);
  expect(await perdure.json('prune', '--older-than', '1d', '--yes')).toEqual({ deleted: 0, isPart: false });
  expect(await perdure.json('prune', '--workflow', 'order', '--keep', '1', '--yes')).toEqual({
    deleted: 2,
    isPart: false,
  });
  const refused = await Promise.all([perdure.run('prune', '--yes'), perdure.run('prune', '--older-than', '1d')]);
  expect(refused.map(({ code }) => code)).toEqual([2, 2]);
  expect(refused[1].stderr).toContain('Say so with --yes.');
});

it('makes the tables, and prints how', async () => {
  const test = await freshDatabase(postgres!.open);
  const perdure = commandLineOf(test);
  const missing = await perdure.run('list');
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('perdure migrate') as string });
  expect(await perdure.json('migrate')).toMatchObject({ schema: test.schema, from: 0 });
  expect(await perdure.say('migrate')).toContain('is up to date');
  expect(await perdure.say('list')).toBe('There are no such runs.\n');
  expect(await perdure.say('migrate', '--print')).toBe(`${printMigrations({ schema: test.schema }).trimEnd()}\n`);
  expect(await perdure.json('migrate', '--print', '--after', '10')).toEqual({
    sql: printMigrations({ schema: test.schema, after: 10 }),
  });
});
