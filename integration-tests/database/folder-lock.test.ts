import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockFolder } from '../../packages/core/src/database/folder-lock.js';
import { Child } from './child.js';

let folder: string;
const children: Child[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdure-lock-test-'));
});
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.kill()));
  await rm(folder, { recursive: true, force: true });
});

async function startHolders(count: number, at = folder): Promise<Child[]> {
  const started = Array.from(
    { length: count },
    () => new Child(new URL('./children/hold-folder.ts', import.meta.url), at),
  );
  children.push(...started);
  for (const child of started) expect(JSON.parse(await child.hear())).toMatchObject({ said: 'ready' });
  return started;
}

async function tryAll(
  candidates: Child[],
): Promise<{ said: string; code?: string; message?: string; holder?: number }[]> {
  for (const child of candidates) child.say('try');
  return await Promise.all(candidates.map(async (child) => JSON.parse(await child.hear()) as { said: string }));
}

it('refuses the folder to another process, and says who has it and what to do', async () => {
  const [first, second] = await startHolders(2);
  expect(await tryAll([first!])).toMatchObject([{ said: 'holding' }]);
  const [refusal] = await tryAll([second!]);
  expect(refusal).toMatchObject({ said: 'refused', code: 'PERDURE_FOLDER_IN_USE', holder: first!.pid });
  expect(refusal!.message).toContain(folder);
  expect(refusal!.message).toContain(`process ${first!.pid}`);
  expect(refusal!.message).toContain('DATABASE_URL');
});

it('is free at once after kill -9', async () => {
  for (let round = 0; round < 3; round += 1) {
    const [holder, next] = await startHolders(2);
    expect(await tryAll([holder!])).toMatchObject([{ said: 'holding' }]);
    await holder!.kill();
    expect(await tryAll([next!])).toMatchObject([{ said: 'holding' }]);
    await next!.kill();
  }
  expect(await readdir(join(folder, 'lock'))).toHaveLength(1);
});

it(
  'has exactly one winner when several processes race for a lock that a killed one left',
  { timeout: 120_000 },
  async () => {
    for (let round = 0; round < 8; round += 1) {
      const [killed, ...racers] = await startHolders(5);
      expect(await tryAll([killed!])).toMatchObject([{ said: 'holding' }]);
      await killed!.kill();
      const answers = (await tryAll(racers)).map(({ said }) => said);
      expect(answers.filter((said) => said === 'holding')).toHaveLength(1);
      await Promise.all(racers.map((racer) => racer.kill()));
    }
  },
);

it('takes a holder that is too busy to answer for alive', async () => {
  const [busy, other] = await startHolders(2);
  expect(await tryAll([busy!])).toMatchObject([{ said: 'holding' }]);
  busy!.say('block');
  expect(JSON.parse(await busy!.hear())).toMatchObject({ said: 'blocking' });
  expect(await tryAll([other!])).toMatchObject([{ said: 'refused', code: 'PERDURE_FOLDER_IN_USE' }]);
});

describe('within one process', () => {
  it('is refused twice, by whatever path, and free after release', async () => {
    const link = `${folder}-link`;
    await symlink(folder, link);
    const lock = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toMatchObject({ data: { pid: process.pid } });
    await expect(lockFolder(link)).rejects.toThrow('this process');
    await lock.release();
    await (await lockFolder(link)).release();
    await rm(link);
    expect(await readdir(join(folder, 'lock'))).toEqual([]);
  });

  it('has exactly one winner of many attempts side by side', async () => {
    for (let round = 0; round < 20; round += 1) {
      const attempts = await Promise.allSettled(Array.from({ length: 10 }, () => lockFolder(folder)));
      const won = attempts.filter((attempt) => attempt.status === 'fulfilled');
      expect(won).toHaveLength(1);
      await won[0]!.value.release();
    }
  });

  it('works where the path is too long for a socket', async () => {
    const deep = join(folder, 'a-rather-long-name-of-a-folder/'.repeat(8));
    await mkdir(deep, { recursive: true });
    const lock = await lockFolder(deep);
    await expect(lockFolder(deep)).rejects.toMatchObject({ code: 'PERDURE_FOLDER_IN_USE' });
    const [other] = await startHolders(1, deep);
    expect(await tryAll([other!])).toMatchObject([{ said: 'refused', holder: process.pid }]);
    await lock.release();
    expect(await tryAll([other!])).toMatchObject([{ said: 'holding' }]);
  });
});
