import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { PGlite } from '@electric-sql/pglite';
import type { Job, Report } from './jobs.js';
import { servePglite } from './pglite-server.js';

/** Runs jobs, each in something that can be killed. */
export interface Victims {
  run(job: Job): Promise<Report>;
  close(): Promise<void>;
}

/** Something must be wrong when a job is not over by then. */
const jobLimitMs = 60_000;

const overdue: Report = { kind: 'failed', message: `The job was not over after ${jobLimitMs} ms.` };

/** Worker threads. One that lives on does the next job; the next one is started while another works. */
export function workerVictims(bundle: URL, pglite: PGlite | null): Victims {
  let idle: Worker[] = [];

  function start(): Worker {
    const channel = pglite === null ? null : new MessageChannel();
    if (pglite !== null && channel !== null) servePglite(pglite, channel.port1);
    const port = channel?.port2 ?? null;
    return new Worker(bundle, { execArgv: [], workerData: { port }, transferList: port === null ? [] : [port] });
  }

  return {
    async run(job) {
      const worker = idle.pop() ?? start();
      if (idle.length === 0) idle.push(start());
      worker.postMessage(job);
      const report = await withLimit(
        new Promise((resolve) => {
          worker.once('message', resolve);
          worker.once('error', (error: Error) => resolve({ kind: 'failed', message: String(error.stack) }));
        }),
      );
      worker.removeAllListeners('message').removeAllListeners('error');
      if (report.kind === 'ended') idle.push(worker);
      else await worker.terminate();
      return report;
    },

    async close() {
      await Promise.all(idle.map((worker) => worker.terminate()));
      idle = [];
    },
  };
}

/** Processes of their own, which die by SIGKILL. */
export function processVictims(bundle: URL): Victims {
  return {
    async run(job) {
      const child = fork(fileURLToPath(bundle), [JSON.stringify(job)], {
        execArgv: [],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      let report: Report = { kind: 'failed', message: 'The process ended without a word.' };
      child.once('message', (message: Report) => {
        report = message;
      });
      // The last message may come after the news of the end, but not after the end of the channel.
      const over = Promise.all([once(child, 'exit'), once(child, 'disconnect')]).then(([[, signal]]): Report =>
        signal === 'SIGKILL' && job.crashAt !== null ? { kind: 'died', at: job.crashAt } : report,
      );
      const ended = await withLimit(over);
      child.kill('SIGKILL');
      return ended;
    },
    async close() {},
  };
}

async function withLimit(report: Promise<Report>): Promise<Report> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<Report>((resolve) => {
    timer = setTimeout(() => resolve(overdue), jobLimitMs);
  });
  try {
    return await Promise.race([report, limit]);
  } finally {
    clearTimeout(timer);
  }
}
