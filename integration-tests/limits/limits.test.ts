import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase } from '../support/engines.js';
import { hasPgbouncer } from '../support/pgbouncer.js';
import { elsewhere } from './elsewhere.js';
import { givenValues, type LimitCase } from './given-values.js';
import { launches } from './launches.js';
import { hasOpenssl, ownServers } from './own-servers.js';
import { type LimitRow, limitRows } from './table.js';

const rows = limitRows();
const [{ open }] = databases as readonly [(typeof databases)[number]];

/** Each row that is tried here, with what tries it. */
function tried(cases: Readonly<Record<string, LimitCase>>): readonly (readonly [string, LimitRow, LimitCase])[] {
  return rows.flatMap((row) => (Object.hasOwn(cases, row.what) ? [[row.what, row, cases[row.what]!] as const] : []));
}

/** What comes of a row, in its own words; whatever else was thrown, or a password in a message, stands out. */
async function outcomes(row: LimitRow, limitCase: LimitCase): Promise<string[]> {
  const errors = (await limitCase(await freshDatabase(open))) as readonly (Error & {
    readonly code?: string;
    readonly data?: { readonly reason?: string };
  })[];
  return [
    ...new Set(
      errors.map(({ code, data, message }) =>
        code === undefined || /secret|wrong|right@/.test(message)
          ? message
          : describeRow({ code, reason: row.reason === null ? null : (data?.reason ?? '') }),
      ),
    ),
  ];
}

const describeRow = ({ code, reason }: Pick<LimitRow, 'code' | 'reason'>): string => `${code} ${reason ?? ''}`;

describe('what is given', () => {
  it.each(tried(givenValues))('%s', async (_, row, limitCase) => {
    expect(await outcomes(row, limitCase)).toEqual(row.code === null ? [] : [describeRow(row)]);
  });
});

describe('a launch', () => {
  for (const [what, row, limitCase] of tried({ ...launches, ...ownServers })) {
    const isMissing = (!hasPgbouncer && what.includes('pooler')) || (!hasOpenssl && what.includes('certificate'));
    it.skipIf(isMissing)(`is refused: ${what}`, async () => {
      expect(await outcomes(row, limitCase)).toEqual([describeRow(row)]);
    });
  }
});

describe('the table', () => {
  it('has the rows that are tested, each once', () => {
    const tested = [givenValues, launches, ownServers, elsewhere].flatMap((cases) => Object.keys(cases));
    expect(rows.map(({ what }) => what).toSorted()).toEqual(tested.toSorted());
  });

  it('names every code that there is', () => {
    const source = readFileSync(new URL('../../packages/core/src/errors/error-codes.ts', import.meta.url), 'utf8');
    const codes = [...source.matchAll(/'(PERDURE_\w+)'/g)].map(([, code]) => code);
    expect(rows.map(({ code }) => code)).toEqual(expect.arrayContaining(codes));
    expect(codes).toEqual(expect.arrayContaining(rows.flatMap(({ code }) => (code === null ? [] : [code]))));
  });

  it.each(Object.entries(elsewhere))('is right that a test shows: %s', (_, { file, title }) => {
    expect(readFileSync(new URL(file, import.meta.url), 'utf8')).toContain(title);
  });
});
