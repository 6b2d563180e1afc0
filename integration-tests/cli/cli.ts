import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll } from 'vitest';
import { bundleSource, newBundle } from '../support/bundle-source.js';

const bundle = newBundle('perdure-cli');
const { folder } = bundle;

/** The modules that the command line can be given: two builds of the shop, and one that launches an engine itself. */
export const modules = {
  '1': `${folder}/build-1.mjs`,
  '2': `${folder}/build-2.mjs`,
  launching: `${folder}/launching.mjs`,
} as const;

/** Puts the command line and the shop into a few files for the tests of a file: compiling takes longer than most commands. */
export function bundleCli(): void {
  beforeAll(async () => {
    const child = (name: string): URL => new URL(`./children/${name}.ts`, import.meta.url);
    await bundleSource(bundle, {
      perdure: new URL('../../packages/cli/src/bin.ts', import.meta.url),
      'build-1': child('build-1'),
      'build-2': child('build-2'),
      launching: child('launching'),
    });
  });
  afterAll(() => bundle.remove());
}

export interface Ended {
  readonly code: number | null; // null = ended by a signal
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly url?: string;
  readonly schema?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** `perdure` as a process of its own, on one database. */
export class CommandLine {
  readonly #options: CliOptions;

  constructor(options: CliOptions = {}) {
    this.#options = options;
  }

  /** Runs a command to its end. */
  async run(...args: readonly string[]): Promise<Ended> {
    const process = this.#spawn(args);
    process.stdin.end();
    const output = Promise.all([text(process.stdout), text(process.stderr)]);
    const [code] = await once(process, 'exit');
    const [stdout, stderr] = await output;
    return { code: code as number | null, stdout, stderr };
  }

  /** What a command that succeeds says on stdout. */
  async say(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args);
    if (code === 0) return stdout;
    throw new Error(`perdure ${args.join(' ')} ended with ${String(code)}: ${stderr}`);
  }

  /** What it answers with `--json`, which is one line. */
  async json(...args: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.say(...args, '--json'));
  }

  /** Starts a command that goes on until it is told to end. */
  start(...args: readonly string[]): LongCommand {
    return new LongCommand(this.#spawn(args));
  }

  #spawn(args: readonly string[]): ChildProcessByStdio<Writable, Readable, Readable> {
    const { url = '', schema, cwd = folder, env = {} } = this.#options;
    const inSchema = schema === undefined ? [] : ['--schema', schema];
    return spawn(process.execPath, [`${folder}/perdure.mjs`, ...args, ...inSchema], {
      cwd,
      env: { ...process.env, COLUMNS: '80', DATABASE_URL: url, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
  }
}

/** A command that goes on, spoken to line by line. */
export class LongCommand {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  readonly #errors: Promise<string>;

  constructor(child: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.#process = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.#errors = text(child.stderr);
  }

  say(line: string): void {
    this.#process.stdin.write(`${line}\n`);
  }

  /** The next line that it prints. */
  async hear(): Promise<string> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`The command has ended: ${await this.#errors}`);
    return line.value;
  }

  /** Kills its process group, as far as there is anything left of it. */
  killAll(): void {
    try {
      process.kill(-this.#process.pid!, 'SIGKILL');
    } catch {
      // Nothing was left.
    }
  }

  /** Sends a signal, and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return this.#process.exitCode;
    const exited = once(this.#process, 'exit');
    this.#process.kill(signal);
    const [code] = await exited;
    return code as number | null;
  }
}
