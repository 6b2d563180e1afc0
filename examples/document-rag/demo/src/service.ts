import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

/** How a process of a service is started, which then listens at the port in the variable PORT. */
export interface ServiceCommand {
  /** Of Node: what it is to run. */
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Progress {
  readonly documents: number;
  readonly indexed: number;
  readonly failed: number;
  readonly passages: number;
}

const telemetry = new URL('telemetry.mjs', import.meta.url).href;

/** A process of the service, and what can be asked of it. */
export class Service {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly url: string;

  private constructor(child: ChildProcess, url: string) {
    this.#process = child;
    this.#ended = once(child, 'exit');
    this.url = url;
  }

  /** Starts a process, and waits until it answers. */
  static async start(command: ServiceCommand, env: Readonly<Record<string, string>>): Promise<Service> {
    const port = await freePort();
    const child = spawn(process.execPath, ['--import', telemetry, ...command.args], {
      cwd: command.cwd,
      env: { ...process.env, ...command.env, ...env, PORT: String(port) },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    // However the demonstration ends, it leaves no process behind.
    process.once('exit', () => child.kill('SIGKILL'));
    const service = new Service(child, `http://127.0.0.1:${port}`);
    while (!(await service.#isUp())) {
      if (child.exitCode !== null) throw new Error(`The service did not start: ${command.args.join(' ')}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return service;
  }

  async index(urls: readonly string[]): Promise<string> {
    return (await this.#post<{ readonly id: string }>('/index', { urls })).id;
  }

  async progress(id: string): Promise<Progress> {
    return await answerOf<Progress>(await fetch(`${this.url}/runs/${id}`));
  }

  async chat(message: string): Promise<{ readonly content: string; readonly sources: readonly string[] }> {
    return await this.#post('/chat', { message });
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#process.kill(signal);
    await this.#ended;
  }

  async #post<T>(path: string, body: unknown): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    return await answerOf<T>(
      await fetch(`${this.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) }),
    );
  }

  async #isUp(): Promise<boolean> {
    return await fetch(`${this.url}/runs/none`).then(
      ({ status }) => status === 404,
      () => false,
    );
  }
}

async function answerOf<T>(response: Response): Promise<T> {
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

/** A port that nobody listened to a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A script of TypeScript, run as the demonstration itself is. */
export function script(url: URL): ServiceCommand {
  return { args: [...process.execArgv, fileURLToPath(url)] };
}
