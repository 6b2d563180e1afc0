import { expect, it } from 'vitest';
import { SystemClock } from '../seams/system-clock.js';
import type { Message, MessageStore } from '../store/messages.js';
import { type Deferred, deferred } from '../util/deferred.js';
import { SeededRandom } from '../util/seeded-random.js';
import { EngineMailbox } from './mailbox.js';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

const message = (no: number): Message => ({ workflowId: 'w', topic: 't', no, payload: `${no}`, trace: null });

it('gives nobody what was looked for before he waited: another execution of the run may have taken it', async () => {
  const looks: Deferred<Message[]>[] = [];
  const find: MessageStore['find'] = () => {
    looks.push(deferred());
    return looks.at(-1)!.promise;
  };
  const mailbox = new EngineMailbox({
    messages: { find } as MessageStore,
    clock: new SystemClock(),
    random: new SeededRandom('mailbox'),
    logger: quiet,
    pollMs: 3_600_000,
  });
  const [first, second] = [new AbortController(), new AbortController()];
  const waits = { workflowId: 'w', topic: 't', retries: 0 };
  const given: number[] = [];
  void mailbox.next({ ...waits, received: new Set(), signal: first.signal });
  await expect.poll(() => looks).toHaveLength(1);
  first.abort();
  void mailbox.next({ ...waits, received: new Set(), signal: second.signal }).then(({ no }) => given.push(no));
  looks[0]!.resolve([message(1)]);
  await expect.poll(() => looks).toHaveLength(2);
  expect(given).toEqual([]);
  looks[1]!.resolve([message(2)]);
  await expect.poll(() => given).toEqual([2]);
  await mailbox.stop();
});
