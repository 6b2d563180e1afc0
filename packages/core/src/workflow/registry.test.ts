import { describe, expect, it } from 'vitest';
import { DuplicateWorkflowError } from '../errors/errors.js';
import { defineWorkflow, type WorkflowDefinition } from './definition.js';
import { Registry, register } from './registry.js';
import { privateWorkflow, workflow } from './workflow.js';

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

  it('keeps versions that were given side by side, wherever they are defined, the latest last', () => {
    const given = (version: string, definedAt: string): WorkflowDefinition => {
      const fn = async (): Promise<string> => version;
      const code = `code of ${version}`;
      return { ...defineWorkflow('registry: versions', fn, { version }, undefined), code, definedAt };
    };
    const [one, two] = [given('1', '/app/v1.js:1:1'), given('2', '/app/v2.js:1:1')];
    register(one);
    register(two);
    for (const registry of [new Registry(null), new Registry([one, two])]) {
      expect(registry.find('registry: versions', '1')).toBe(one);
      expect(registry.named('registry: versions')).toBe(two);
    }
    const unnamed = {
      ...defineWorkflow('registry: versions', async () => 3, {}, undefined),
      definedAt: '/app/v3.js:1:1',
    };
    expect(() => register(unnamed)).toThrow(DuplicateWorkflowError);
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

describe('what an engine can run', () => {
  it('are its private workflows beside those of the process, whenever these are defined', () => {
    const own = privateWorkflow('registry: private', async () => 'own').definition;
    const registry = new Registry(null, [own]);
    const late = workflow('registry: late', async () => 'late').definition;
    expect(registry.find(own.name, own.version)).toBe(own);
    expect(registry.find(own.name, 'another')).toBeNull();
    expect(registry.named(late.name)).toBe(late);
    expect(registry.all()).toEqual(expect.arrayContaining([own, late]));
    for (const other of [new Registry(null), new Registry([late])]) {
      expect([other.named(own.name), other.named(late.name)]).toEqual([null, late]);
    }
  });

  it('are its private workflows beside those that it is given', () => {
    const [one, two] = ['one', 'two'].map((name) => privateWorkflow(`registry: ${name}`, async () => name).definition);
    expect(new Registry([one!], [two!]).all()).toEqual([one, two]);
    expect(new Registry([], [two!]).all()).toEqual([two]);
  });

  it('has no two workflows of one name', () => {
    const { definition } = workflow('registry: twice', async () => 'a function');
    const other = privateWorkflow('registry: twice', async () => 'a provider').definition;
    expect(() => new Registry(null, [other])).toThrow(DuplicateWorkflowError);
    expect(() => new Registry([definition], [other])).toThrow(/registry: twice/);
    expect(new Registry([], [other]).named(other.name)).toBe(other);
  });
});
