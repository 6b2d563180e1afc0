import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Contender } from './contender.js';
import { monotonicMs } from './monotonic.js';

export const waits = {
  dispatch: 'enqueued in one process → begins in another',
  message: 'sent in one process → received in another',
  result: 'returns in one process → the other, which waits for it, has the result',
} as const;
export type Wait = keyof typeof waits;
export type Sample = Readonly<Record<Wait, number>>;

/** One run of an idle system, in milliseconds. */
async function sample(contender: Contender): Promise<Sample> {
  const id = randomUUID();
  const enqueuedMs = monotonicMs();
  await contender.enqueue(id);
  const ended = contender.result(id).then(monotonicMs);
  const beganMs = await contender.told(id, 'began');
  await pause();
  const sentMs = monotonicMs();
  await contender.send(id);
  const receivedMs = await contender.told(id, 'received');
  const returnedMs = await contender.told(id, 'returning');
  const endedMs = await ended;
  return { dispatch: beganMs - enqueuedMs, message: receivedMs - sentMs, result: endedMs - returnedMs };
}

/** The contenders take turns, so that a slow moment of the machine meets all of them. */
export async function measure(
  contenders: readonly Contender[],
  { rounds, warmUps }: { readonly rounds: number; readonly warmUps: number },
): Promise<ReadonlyMap<Contender, readonly Sample[]>> {
  const samples = new Map<Contender, Sample[]>(contenders.map((contender) => [contender, []]));
  for (let round = -warmUps; round < rounds; round += 1) {
    for (const [contender, taken] of samples) {
      const latest = await sample(contender);
      if (round >= 0) taken.push(latest);
      await pause();
    }
  }
  return samples;
}

/** Long enough for everything to become idle, and of no fixed length. */
const pause = (): Promise<void> => wait(50 + Math.random() * 100);
