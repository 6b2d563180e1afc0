import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The folder of the Next application that these tests run. */
export const appFolder = fileURLToPath(new URL('app', import.meta.url));

export const nextBin = fileURLToPath(import.meta.resolve('next/dist/bin/next'));

/** What decides how the application is compiled. */
export interface Build {
  readonly bundler: 'turbopack' | 'webpack';
  readonly env?: Readonly<Record<string, string>>;
}

/** Compiles the application with the built packages. */
export async function build({ bundler, env = {} }: Build): Promise<void> {
  await buildPackages();
  await run(process.execPath, [nextBin, 'build', appFolder, `--${bundler}`], appFolder, env);
}

/** Builds what the application imports, unless it is built already. */
export async function buildPackages(): Promise<void> {
  await run('npx', ['turbo', 'run', 'build', '--filter=@perdure/next...', '--output-logs=errors-only'], root, {});
}

async function run(command: string, args: string[], cwd: string, env: Readonly<Record<string, string>>): Promise<void> {
  try {
    await promisify(execFile)(command, args, { cwd, env: { ...process.env, ...nextEnv, ...env } });
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}

/** Vitest says it is a test; for Next it is none. */
export const nextEnv = { NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' } as const;
