import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ServerOptions } from './variants.js';

/** A server in a process of its own. */
export interface Server {
  readonly port: number;
  /** The processor time that it has taken so far. */
  cpuMs(): Promise<number>;
  close(): Promise<void>;
}

/** @param execPath the Node.js that it runs on */
export async function startServer(options: ServerOptions, execPath: string): Promise<Server> {
  const file = options.framework.startsWith('Nest') ? 'nest-server.ts' : 'express-server.ts';
  const child = fork(fileURLToPath(new URL(`./children/${file}`, import.meta.url)), [JSON.stringify(options)], {
    execPath,
    execArgv: ['--import', 'tsx'],
    env: {
      ...process.env,
      NODE_ENV: 'production',
      TSX_TSCONFIG_PATH: fileURLToPath(new URL('./tsconfig.run.json', import.meta.url)),
    },
  });
  const exit = once(child, 'exit');
  const [said] = (await Promise.race([once(child, 'message'), exit])) as [unknown];
  if (child.exitCode !== null)
    throw new Error(`${options.framework} (${options.variant}) has ended before it listened`);
  return {
    port: said as number,
    async cpuMs() {
      child.send('cpu');
      const [taken] = (await once(child, 'message')) as [NodeJS.CpuUsage];
      return (taken.user + taken.system) / 1_000;
    },
    async close() {
      child.disconnect();
      await exit;
    },
  };
}
