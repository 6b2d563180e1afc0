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
});
