import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, inject, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

describe('npm run demo', () => {
  it.each(['embedded', 'postgres'])(
    'is killed, recovers, and loses and doubles nothing on %s Postgres',
    { timeout: 120_000 },
    async (kind) => {
      const { stdout } = await promisify(execFile)('npm', ['run', 'demo', '--silent', '--', '--json'], {
        cwd: root,
        env: { ...process.env, DATABASE_URL: kind === 'postgres' ? inject('postgresUrl') : '' },
      });
      expect(stdout.trim().split('\n')).toHaveLength(1);
      const report = JSON.parse(stdout) as Record<string, number | boolean>;
      expect(Object.keys(report)).toEqual([
        'documents',
        'indexed',
        'passages',
        'duplicatePassages',
        'repeatedSteps',
        'inFlightAtKill',
        'recovered',
      ]);
      expect(report).toMatchObject({ indexed: report['documents'], duplicatePassages: 0, recovered: true });
      expect(report['documents']).toBeGreaterThanOrEqual(300);
      expect(report['passages']).toBeGreaterThan(report['documents'] as number);
      expect(report['inFlightAtKill']).toBeGreaterThan(0);
      expect(report['repeatedSteps']).toBeLessThanOrEqual(report['inFlightAtKill'] as number);
    },
  );
});

describe.each(['express', 'nestjs'])('npm run demo -- %s', (name) => {
  it.each(['embedded', 'postgres'])(
    'is killed when the card was charged, and charges once on %s Postgres',
    { timeout: 120_000 },
    async (kind) => {
      const { stdout } = await promisify(execFile)('npm', ['run', 'demo', '--silent', '--', name, '--json'], {
        cwd: root,
        env: { ...process.env, DATABASE_URL: kind === 'postgres' ? inject('postgresUrl') : '' },
      });
      expect(stdout.trim().split('\n')).toHaveLength(1);
      expect(JSON.parse(stdout)).toEqual({
        cut: true,
        status: 201,
        isReplayEqual: true,
        otherStatus: 422,
        stepsOfFirst: ['reserve', 'charge'],
        stepsOfSecond: ['charge', 'ship'],
        paymentRequests: 2,
        charges: 1,
      });
    },
  );
});

describe('npm run demo -- nextjs', () => {
  // On Postgres, processes of next start are killed in next/next.test.ts.
  it('is killed when the card was charged, and charges once', { timeout: 240_000 }, async () => {
    const { stdout } = await promisify(execFile)('npm', ['run', 'demo', '--silent', '--', 'nextjs', '--json'], {
      cwd: root,
      env: { ...process.env, DATABASE_URL: '' },
    });
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(stdout)).toEqual({
      cut: true,
      status: 201,
      isReplayEqual: true,
      otherStatus: 422,
      stepsOfFirst: ['reserve', 'charge'],
      stepsOfSecond: ['charge', 'ship'],
      paymentRequests: 2,
      charges: 1,
    });
  });
});

describe('npm run demo -- document-rag', () => {
  const demonstrate = async (name: string, documents: number): Promise<unknown> => {
    const options = ['--json', '--documents', String(documents)];
    const { stdout } = await promisify(execFile)(
      'npm',
      ['run', 'demo', '--silent', '--', `document-rag/${name}`, ...options],
      { cwd: root, env: { ...process.env, DATABASE_URL: inject('postgresUrl') } },
    );
    expect(stdout.trim().split('\n')).toHaveLength(1);
    return JSON.parse(stdout);
  };
  const documents = 30;

  it.each(['express', 'nestjs', 'nextjs'])(
    '%s is killed, and indexes every document once, in one trace',
    { timeout: 240_000 },
    async (name) => {
      const report = (await demonstrate(name, documents)) as Record<string, number>;
      expect(report).toMatchObject({
        documents,
        indexed: documents,
        indexedTwice: 0,
        passagesTwice: 0,
        traces: 1,
        orphans: 0,
      });
      expect(report['indexedAtKill']).toBeGreaterThanOrEqual(documents * 0.4);
      expect(report['indexedAtKill']).toBeLessThan(documents);
      expect(report['passages']).toBeGreaterThan(documents);
      expect(report['sources']).toBeGreaterThan(0);
    },
  );

  it('plain-express loses what was under way', { timeout: 120_000 }, async () => {
    const report = (await demonstrate('plain-express', documents)) as Record<string, number>;
    expect(report).toMatchObject({ documents, indexedTwice: 0, passagesTwice: 0, traces: 0 });
    expect(report['indexed']).toBeLessThan(documents);
  });
});
