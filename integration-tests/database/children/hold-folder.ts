/** Tries for the lock of a folder when a line comes in, says how it went, and holds what it got until it is killed. */
import { createInterface } from 'node:readline';
import { lockFolder } from '../../../packages/core/src/database/folder-lock.js';

const folder = process.argv[2]!;
const say = (line: object): Promise<void> =>
  new Promise((resolve) => process.stdout.write(`${JSON.stringify(line)}\n`, () => resolve()));

await say({ said: 'ready', pid: process.pid });
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'block') {
    await say({ said: 'blocking', pid: process.pid });
    for (const until = Date.now() + 60_000; Date.now() < until;);
  }
  try {
    await lockFolder(folder);
    await say({ said: 'holding', pid: process.pid });
  } catch (error) {
    const { code, message, data } = error as { code?: string; message: string; data?: { pid: number } };
    await say({ said: 'refused', code, message, holder: data?.pid });
  }
}
