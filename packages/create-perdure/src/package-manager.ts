import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** The program that this one was started by: `npm create`, `pnpm create`, `yarn create` or `bun create`. */
export function packageManager(userAgent: string | undefined): string {
  const [name] = /^(npm|pnpm|yarn|bun)(?=\/)/.exec(userAgent ?? '') ?? [];
  return name ?? 'npm';
}

/** Installs what the application needs. What the program prints goes where this one prints. */
export async function install(manager: string, folder: string): Promise<boolean> {
  const child = spawn(manager, ['install'], { cwd: folder, stdio: 'inherit', shell: process.platform === 'win32' });
  try {
    // It rejects where the program could not be started.
    const [code] = (await once(child, 'exit')) as readonly unknown[];
    return code === 0;
  } catch {
    return false;
  }
}
