import { describe, expect, it } from 'vitest';
import { callSiteOf, fileOf } from './call-site.js';
import { checkName, checkWorkflowId } from './names.js';

describe('names and ids', () => {
  it.each(['a', 'order-42', 'Käse/ü 🧀', 'x'.repeat(255), 'tab-less', '👩\u200d🚀'])('may be %j', (name) => {
    expect(checkName('step', name)).toBe(name);
    expect(checkWorkflowId(name)).toBe(name);
  });

  it.each([
    '',
    '  ',
    '\u200b',
    'a\nb',
    'a\u2028b',
    'a\0',
    '\u0085',
    '\ud800x',
    'x'.repeat(256),
    'ü'.repeat(128),
    5,
    null,
    undefined,
    {},
  ])('may not be %j', (name) => {
    expect(() => checkName('step', name as string)).toThrow(/^The name of a step must/);
    expect(() => checkWorkflowId(name as string)).toThrow(/^A workflowId must/);
  });
});

describe('a call site', () => {
  it('is the first frame outside this package', () => {
    const stack = [
      'Error: here',
      '    at workflow (file:///app/node_modules/@perdure/core/dist/index.js:10:5)',
      '    at new Thing (/app/node_modules/@perdure/core/dist/chunk.js:3:1)',
      '    at Module.<anonymous> (file:///app/src/orders.ts:41:12)',
      '    at node:internal/modules/esm:1:1',
    ].join('\n');
    expect(callSiteOf(stack)).toBe('file:///app/src/orders.ts:41:12');
    expect(fileOf('file:///app/src/orders.ts:41:12')).toBe('file:///app/src/orders.ts');
  });

  it.each([undefined, '', 'Error: here', 'Error: here\n    at <anonymous>'])('is not known for %j', (stack) => {
    expect(callSiteOf(stack)).toBeNull();
  });
});
