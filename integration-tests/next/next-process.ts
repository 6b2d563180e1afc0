import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { eventually } from '../recovery/eventually.js';
import { freePort } from '../support/free-port.js';
import { appFolder, nextBin, nextEnv } from './build.js';

/** A process of `next start` that answers requests. */
export interface NextProcess {
  readonly child: ChildProcess;
  /** Of its routes under `/modes`. */
  readonly app: string;
  kill(): Promise<void>;
}

export async function startNext(env: Readonly<Record<string, string>>): Promise<NextProcess> {
  const port = await freePort();
  const args = [nextBin, 'start', appFolder, '--port', String(port), '--hostname', '127.0.0.1'];
  const child = spawn(process.execPath, args, {
    cwd: appFolder,
    env: { ...process.env, ...nextEnv, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const app = `http://127.0.0.1:${port}/modes`;
  const isUp = async (): Promise<boolean> =>
    await fetch(app).then(
      (it) => it.ok,
      () => false,
    );
  await eventually('next start answers', isUp, 60_000);
  return {
    child,
    app,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
