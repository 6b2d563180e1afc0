import { Perdure, receive, step, workflow } from '@perdure/core';
import { nextAdapter, type WorkerMode } from '@perdure/next';

/** What a test tells a process of this application by WORKER. */
export interface ModeOptions {
  readonly url: string;
  readonly schema: string;
  readonly worker: WorkerMode;
}

/** Whether this process was told a mode; `next build` and the other tests load this, too. */
export const hasMode = process.env['WORKER'] !== undefined;

const mode = process.env['WORKER'] ?? '{"worker":"embedded"}';
const { url, schema, worker } = JSON.parse(mode) as ModeOptions;

export const { register, withDurable, durableAction, cron, runs } = nextAdapter(
  () => Perdure.launch({ databaseUrl: url, schema, lease: 3_000, ...(worker === 'external' ? { queues: [] } : {}) }),
  { name: 'modes', worker, sliceMs: 1_500, authorize: () => true },
);

/** Says in which process it was executed. In a bundle, its version is given by hand: others have the code, too. */
export const place = workflow(
  'modes: place',
  async (sku: string) => ({ sku, pid: await step.run('pid', () => process.pid) }),
  { version: '1' },
);

/** Waits for a message. */
export const wait = workflow(
  'modes: wait',
  async () => ({ heard: await receive<string>('word'), pid: await step.run('pid', () => process.pid) }),
  { version: '1' },
);

/** Takes a while after it has begun. */
export const pack = workflow(
  'modes: pack',
  async () => {
    const packed: string[] = [];
    for (const part of ['lamp', 'bulb', 'leaflet']) {
      packed.push(await step.run(part, async () => await new Promise<string>((done) => setTimeout(done, 100, part))));
    }
    return packed;
  },
  { version: '1' },
);
