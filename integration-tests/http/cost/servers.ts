import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ServerOptions, Variant } from './variants.js';

/**
 * The servers of one framework, in one process: apart, each process would have its own luck with what is compiled and where it
 * lies, which is more than what is looked for.
 */
export interface Servers {
  readonly ports: ReadonlyMap<Variant, number>;
  /** The processor time that they have taken so far. */
  cpuMs(): Promise<number>;
  close(): Promise<void>;
}

/** @param execPath the Node.js that they run on */
export async function startServers(options: ServerOptions, execPath: string): Promise<Servers> {
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
  if (child.exitCode !== null) throw new Error(`${options.framework} has ended before it listened`);
  return {
    ports: new Map(said as [Variant, number][]),
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
