import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describe, expect, it } from 'vitest';
import { validateInput } from './input-schema.js';

describe('the schema of an input', () => {
  it.each([
    ['at once', schemaOf((input) => ({ value: Number(input) }))],
    ['later', schemaOf(async (input) => ({ value: Number(input) }))],
  ])('gives what it makes of the input, %s', async (_when, schema) => {
    expect(await validateInput(schema, '42', 'checkout')).toBe(42);
  });

  it('refuses with the issues, and names the workflow and the places', async () => {
    const issues = [
      { message: 'is required', path: ['items', { key: 3 }, 'sku'] },
      { message: 'is not an order', path: [] },
      { message: 'is odd' },
    ];
    await expect(
      validateInput(
        schemaOf(() => ({ issues })),
        {},
        'checkout',
      ),
    ).rejects.toMatchObject({
      code: 'PERDURE_INVALID_INPUT',
      data: { workflowName: 'checkout' },
      issues,
      message: 'The input of workflow "checkout" is not valid: items.3.sku: is required; is not an order; is odd.',
    });
  });

  it('names five issues at most', async () => {
    const issues = Array.from({ length: 100_000 }, (_, no) => ({ message: `issue ${no}` }));
    const refused = validateInput(
      schemaOf(() => ({ issues })),
      {},
      'checkout',
    );
    await expect(refused).rejects.toThrow(/issue 4\.$/);
  });

  it('passes on what a schema throws', async () => {
    const broken = schemaOf(() => {
      throw new TypeError('broken schema');
    });
    await expect(validateInput(broken, {}, 'checkout')).rejects.toThrow('broken schema');
  });
});

function schemaOf(validate: StandardSchemaV1.Props['validate']): StandardSchemaV1 {
  return { '~standard': { version: 1, vendor: 'test', validate } };
}
