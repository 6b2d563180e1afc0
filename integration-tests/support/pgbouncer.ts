import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './free-port.js';

/** Where Debian puts it is not in everybody's PATH. */
const path = [process.env['PATH'] ?? '', '/usr/sbin'].join(delimiter);

export const hasPgbouncer = path.split(delimiter).some((folder) => existsSync(join(folder, 'pgbouncer')));

/**
 * Starts a pgbouncer in transaction mode, otherwise with the settings that it has by default, in front of a server.
 *
 * @param settings beyond these, as in `max_client_conn = 5`
 */
export async function startPgbouncer(
  serverUrl: string,
  settings: readonly string[] = [],
): Promise<{
  /** As the given one, but through the pooler. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}> {
  const server = new URL(serverUrl);
  const folder = await mkdtemp(join(tmpdir(), 'perdure-pgbouncer-'));
  // It refuses to run as root, and gives that up before it reads the file of users.
  await chmod(folder, 0o755);
  const port = await freePort();
  const files = { config: join(folder, 'pgbouncer.ini'), users: join(folder, 'users.txt') };
  await writeFile(files.users, `"${server.username}" "${decodeURIComponent(server.password)}"\n`);
  await writeFile(
    files.config,
    `[databases]
* = host=${server.hostname} port=${server.port || '5432'}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${files.users}
pool_mode = transaction
max_client_conn = 1000
${settings.join('\n')}
${process.getuid?.() === 0 ? 'user = nobody' : ''}
`,
  );

  // The shell ends it and removes the folder as soon as this process is gone, however it went.
  const script = 'pgbouncer "$0/pgbouncer.ini" 2>&1 & cat > /dev/null; kill $!; wait $!; rm -rf "$0"';
  const shell = spawn('sh', ['-c', script, folder], {
    env: { ...process.env, PATH: path },
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const exit = once(shell, 'exit');
  async function stop(): Promise<void> {
    shell.stdin.end();
    await exit;
    await rm(folder, { recursive: true, force: true });
  }

  const output: string[] = [];
  for await (const line of createInterface({ input: shell.stdout })) {
    output.push(line);
    if (line.includes('process up')) {
      shell.stdout.resume();
      server.host = `127.0.0.1:${port}`;
      return { url: server.href, stop };
    }
  }
  await stop();
  throw new Error(`pgbouncer did not start:\n${output.join('\n')}`);
}
