import { fileURLToPath } from 'node:url';
import { buildPackages, runIn } from '../support/packages.js';

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
  await buildPackages('next', 'otel');
  const command = [process.execPath, nextBin, 'build', appFolder, `--${bundler}`] as const;
  // A Next that has served in this process says there which bundler it was built with.
  await runIn(appFolder, command, { ...nextEnv, TURBOPACK: '', ...env });
}

/** Vitest says it is a test; for Next it is none. */
export const nextEnv = { NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' } as const;
