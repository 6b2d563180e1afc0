import { spawnSync } from 'node:child_process';
import { arch, cpus, platform, totalmem } from 'node:os';
import type pg from 'pg';

/** What a report was measured on. */
export interface Machine {
  readonly date: string;
  readonly cores: number;
  readonly processor: string;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly postgres: string;
  /** As the server says: with these, what is acknowledged is on the disk. */
  readonly durability: string;
}

export async function describeMachine(sql: pg.Client, execPath: string): Promise<Machine> {
  const setting = async (name: string): Promise<string> => {
    const { rows } = await sql.query<{ value: string }>('select current_setting($1) as value', [name]);
    return rows[0]?.value ?? '';
  };
  const node = spawnSync(execPath, ['--version'], { encoding: 'utf8' }).stdout.trim();
  return {
    date: new Date().toISOString().slice(0, 10),
    cores: cpus().length,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()}`,
    node,
    postgres: await setting('server_version'),
    durability: `fsync ${await setting('fsync')}, synchronous_commit ${await setting('synchronous_commit')}`,
  };
}
