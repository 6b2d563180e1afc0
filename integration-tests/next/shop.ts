import { spawn } from 'node:child_process';
import type { ShopFramework } from '../http/shop-process.js';
import { freePort } from '../support/free-port.js';
import { appFolder, nextBin, nextEnv } from './build.js';

/** Shops in processes of `next start`. */
export const nextShop = (env: Readonly<Record<string, string>> = {}): ShopFramework => ({
  name: 'Next.js',
  // What Next ends with when it was told to by SIGTERM.
  exitCode: 143,
  async start(options, output) {
    const port = await freePort();
    const args = [nextBin, 'start', appFolder, '--port', String(port), '--hostname', '127.0.0.1'];
    const child = spawn(process.execPath, args, {
      cwd: appFolder,
      env: { ...process.env, ...nextEnv, ...env, SHOP: JSON.stringify(options) },
      stdio: ['ignore', output, output],
    });
    const url = `http://127.0.0.1:${port}/shop`;
    return { child, url: async () => ((await answers(`${url}/health`)) ? url : undefined) };
  },
});

async function answers(url: string): Promise<boolean> {
  return await fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}
