import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { demonstrate } from '@perdure/example-document-rag-demo';

const app = fileURLToPath(new URL('..', import.meta.url));
const next = fileURLToPath(import.meta.resolve('next/dist/bin/next'));

process.env['NEXT_TELEMETRY_DISABLED'] = '1';
const { status, stdout, stderr } = spawnSync(process.execPath, [next, 'build', app], {
  env: { ...process.env, NODE_ENV: 'production' },
  encoding: 'utf8',
});
if (status !== 0) throw new Error(`next build failed:\n${stdout}${stderr}`);

await demonstrate({
  name: 'nextjs',
  command: { args: [next, 'start', app, '--hostname', '127.0.0.1'], cwd: app, env: { NODE_ENV: 'production' } },
  isDurable: true,
});
