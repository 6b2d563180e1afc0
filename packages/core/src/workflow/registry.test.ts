import { describe, expect, it } from 'vitest';
import { DuplicateWorkflowError } from '../errors/errors.js';
import { defineWorkflow, type WorkflowDefinition } from './definition.js';
import { Registry, register } from './registry.js';

function define(fn: () => unknown, definedAt: string): WorkflowDefinition {
  return { ...defineWorkflow('registry: w', fn, {}, undefined), definedAt };
}

describe('the registry of workflows', () => {
  const first = define(() => 1, '/app/orders.js:3:5');

  it('refuses another function of the same name, and says where both are', () => {
    register(first);
    const second = define(() => 2, '/app/mails.js:9:1');
    expect(() => register(second)).toThrow(DuplicateWorkflowError);
    expect(() => register(second)).toThrow(/orders\.js:3:5.*mails\.js:9:1/);
    expect(new Registry(null).find(first.name, first.version)).toBe(first);
  });

  it('takes the same source again, from wherever, and other source from the same file', () => {
    register(first);
    register({ ...first, definedAt: '/bundle/chunk.js:1:1' });
    const edited = define(() => 3, '/bundle/chunk.js:1:9');
    register(edited);
    expect(new Registry(null).find(edited.name, edited.version)).toBe(edited);
    expect(new Registry(null).find(first.name, first.version)).toBeNull();
  });

  it('keeps the copies that a bundler makes of one module, whatever it does to their source', () => {
    const registry = new Registry(null);
    const copies = [
      define(() => 4, 'unknown'),
      define(() => 5, '/app/.next/server/chunks/src_1._.js:1:374'),
      define(() => 6, '/app/.next/server/chunks/src_2._.js:1:374'),
      define(() => 7, 'webpack-internal:///(rsc)/./src/orders.ts:3:5'),
    ];
    for (const copy of copies) register(copy);
    for (const copy of copies) expect(registry.find(copy.name, copy.version)).toBe(copy);
    expect(registry.all()).toEqual(expect.arrayContaining(copies));
    expect(registry.named(copies[0]!.name)).toBe(copies.at(-1));
    register(copies[1]!);
    expect(registry.named(copies[0]!.name)).toBe(copies[1]);
  });
});
