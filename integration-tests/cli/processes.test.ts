import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { databases } from '../support/databases.js';
import { afterThisTest, connectClient, freshDatabase, launchEngine } from '../support/engines.js';
import { bundleCli, CommandLine, type LongCommand, modules } from './cli.js';

bundleCli();

const [postgres] = databases;

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'perdure-cli-'));
  afterThisTest(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Kills it, and what it has started, if the test hasn't ended it. */
function started(command: LongCommand): LongCommand {
  afterThisTest(async () => command.killAll());
  return command;
}

it('executes the workflows of modules until it is told to stop, and hands over what waits', async () => {
  const test = await freshDatabase(postgres!.open);
  const perdure = new CommandLine({ url: test.url!, schema: test.schema });
  const worker = started(perdure.start('worker', modules['1'], '--json'));
  const ready = JSON.parse(await worker.hear()) as { readonly workflows: string[]; readonly executorId: string };
  expect(ready.workflows).toEqual(['ship', 'order', 'approval', 'invoice', 'tick']);
  const client = await connectClient(test);
  expect(await client.workflow('order').with({ workflowId: 'order-1' })({ card: 'visa' })).toBe('shipped to visa');
  expect((await client.run('order-1').status()).executorId).toBe(ready.executorId);
  await client.workflow('approval').with({ workflowId: 'asked' }).start();
  await expect.poll(() => client.runs.steps('asked')).toHaveLength(1);
  expect(await worker.end('SIGTERM')).toBe(0);
  expect(await perdure.json('explain', 'asked')).toMatchObject({ status: 'enqueued', reason: 'no-executor' });
});

it('refuses to work on tables that are not there, where it may not make them', async () => {
  const test = await freshDatabase(postgres!.open);
  const perdure = new CommandLine({ url: test.url!, schema: test.schema });
  expect(await perdure.run('worker', modules['1'], '--no-migrate')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('PERDURE_SCHEMA_MISSING') as string,
  });
});

it('develops on an embedded Postgres, takes commands meanwhile, and leaves the folder to others', async () => {
  const cwd = await freshFolder();
  const perdure = new CommandLine({ cwd });
  const dev = started(perdure.start('dev', modules['1'], '--no-watch'));
  // In eighty columns, that takes two lines.
  expect(`${await dev.hear()} ${await dev.hear()}`).toMatch(
    /"order", "approval".* on the embedded Postgres in .perdure\.$/,
  );
  expect(await dev.hear()).toContain('Type a command');
  dev.say('schedules trigger "ticks" --json');
  const { workflowId } = JSON.parse(await dev.hear()) as { readonly workflowId: string };
  dev.say(`explain ${workflowId} --json`);
  expect(JSON.parse(await dev.hear())).toMatchObject({ workflowId });
  const inUse = await perdure.run('list');
  expect(inUse).toMatchObject({ code: 1, stderr: expect.stringContaining('PERDURE_FOLDER_IN_USE') as string });
  expect(await dev.end('SIGINT')).toBe(0);
  expect(await perdure.json('list')).toMatchObject({ runs: [{ workflowId }] });
});

it('starts again when a file changes, and ends with all of its processes', async () => {
  const [test, folder] = [await freshDatabase(postgres!.open), await freshFolder()];
  const perdure = new CommandLine({ url: test.url!, schema: test.schema });
  const file = join(folder, 'workflows.mjs');
  await writeFile(file, `import ${JSON.stringify(modules['1'])};`);
  const dev = started(perdure.start('dev', file, '--json'));
  expect(JSON.parse(await dev.hear())).toMatchObject({ embedded: false });
  const client = await connectClient(test);
  const run = await client.workflow('approval').start();
  await writeFile(file, `import ${JSON.stringify(modules['2'])};`);
  const versions = async (): Promise<unknown> =>
    (await client.versions.list({ workflow: 'order' })).map(({ version, executors }) => [version, executors]);
  await expect.poll(versions).toEqual([
    ['2', 1],
    ['1', 0],
  ]);
  expect((await run.status()).status).toBe('enqueued');
  expect(await dev.end('SIGTERM')).toBe(0);
  expect(await versions()).toEqual([
    ['2', 0],
    ['1', 0],
  ]);
});

it('does not let a module execute runs that is only to be asked what it defines', async () => {
  const test = await freshDatabase(postgres!.open);
  const perdure = new CommandLine({ url: test.url!, schema: test.schema, env: { SCHEMA: test.schema } });
  expect(await perdure.run('check', modules.launching)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('launches an engine') as string,
  });
});

it('says in a sentence what is wrong, how to mend it, and nothing that is secret', async () => {
  const [password, folder] = [randomUUID(), await freshFolder()];
  const [wrong, none] = [new URL(inject('postgresUrl')), await freshFolder()];
  wrong.password = password;
  const [failing, empty, typed] = ['failing.mjs', 'empty.mjs', 'typed.tsx'].map((name) => join(folder, name));
  await Promise.all([
    writeFile(failing!, `throw new Error('broken')`),
    writeFile(empty!, ''),
    writeFile(typed!, 'export const no: number = 1'),
  ]);
  const nowhere = new CommandLine({ cwd: none });
  const given = new CommandLine({ url: wrong.href });
  const cases: [Promise<Awaited<ReturnType<CommandLine['run']>>>, number, string][] = [
    [nowhere.run('list'), 2, 'Set DATABASE_URL or pass --database-url'],
    [nowhere.run('list', '--folder', 'nope'), 2, 'There is no folder'],
    [given.run('list', '--folder', 'nope', '--database-url', wrong.href), 2, 'either --database-url or --folder'],
    [given.run('list'), 1, 'PERDURE_DATABASE_REFUSED'],
    [given.run('list', '--debug'), 1, '    at '],
    [given.run('list', '--json'), 1, '"code":"PERDURE_DATABASE_REFUSED"'],
    [nowhere.run('list', '--database-url', `postgres://me:${password}@127.0.0.1:1/x`), 1, 'could not be reached'],
    [nowhere.run('lsit'), 2, 'Did you mean list?'],
    [nowhere.run('list', '--created-from', 'soon'), 2, 'must be a time'],
    [nowhere.run('worker', join(folder, 'none.mjs')), 2, 'There is no file'],
    [nowhere.run('check', failing!), 1, 'failed while it was loaded: Error: broken'],
    [nowhere.run('check', empty!), 1, 'defines no workflow'],
    [nowhere.run('check', typed!), 2, `NODE_OPTIONS='--import tsx'`],
  ];
  for (const [running, code, words] of cases) {
    const { stdout, stderr, ...ended } = await running;
    expect({ words, ...ended, stdout }).toEqual({ words, code, stdout: '' });
    expect(stderr).toContain(words);
    expect(stderr).not.toContain(password);
    if (words !== '    at ') expect(stderr).not.toMatch(/^ {4}at /m);
  }
});

it('answers for a run that is not there with an error, and with its code', async () => {
  const test = await freshDatabase(postgres!.open);
  await launchEngine(test, { workflows: [] });
  const perdure = new CommandLine({ url: test.url!, schema: test.schema });
  const [words, json] = await Promise.all([perdure.run('show', 'none'), perdure.run('explain', 'none', '--json')]);
  expect(words).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^perdure: .*\(PERDURE_RUN_NOT_FOUND\)\n$/) as string,
  });
  expect(json).toMatchObject({ code: 1, stdout: '' });
  expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'PERDURE_RUN_NOT_FOUND' } });
});

it('says as JSON, too, what does not hold about a command line', async () => {
  const perdure = new CommandLine();
  const cases = [
    [['list', '--no-such', '--json'], "unknown option '--no-such'"],
    [['list', '--statsu', 'failed', '--json'], "unknown option '--statsu'\n(Did you mean --status?)"],
    [['list', '--json', '--limit', 'few'], 'whole number'],
    [['lsit', '--json'], "unknown command 'lsit'"],
    [['check', '--json'], "missing required argument 'modules'"],
  ] as const;
  for (const [args, words] of cases) {
    const { stdout, stderr, code } = await perdure.run(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(JSON.parse(stderr)).toEqual({ error: { code: null, message: expect.stringContaining(words) as string } });
  }
  const help = await perdure.run('help', 'list', '--json');
  expect(help).toMatchObject({ code: 0, stderr: '' });
});

it('lets shells complete commands, options and their values, and explains itself', async () => {
  const perdure = new CommandLine();
  const completed = async (...words: string[]): Promise<string[]> =>
    (await perdure.say('complete', '--', ...words)).split('\n').map((line) => line.split('\t')[0]!);
  const [commands, options, values, files, topics, script, help, version] = await Promise.all([
    completed('que'),
    completed('list', '--st'),
    completed('list', '--status', ''),
    Promise.all([completed('check', ''), completed('import', ''), completed('export', 'a', '--output', '')]),
    completed('help', 'ex'),
    perdure.say('completion', 'bash'),
    perdure.say('help', 'list'),
    perdure.say('--version'),
  ]);
  expect(commands).toContain('queues');
  expect(options).toContain('--status');
  expect(values).toEqual(expect.arrayContaining(['completed', 'failed', 'dead']));
  // What comes last says whether the shell is to complete names of files.
  expect(values).toContain(':4');
  expect(files.map((lines) => lines.filter((line) => line !== ''))).toEqual([[':0'], [':0'], [':0']]);
  expect(topics.slice(0, 2)).toEqual(['explain', 'export']);
  expect(script).toContain('perdure complete -- ');
  expect(script).toMatch(/^complete -o default /m);
  expect(help).toContain('--created-from <time>');
  expect(version).toMatch(/^\d+\.\d+\.\d+\n$/);
});
