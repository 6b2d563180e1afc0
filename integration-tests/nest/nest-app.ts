import { randomUUID } from 'node:crypto';
import type { INestApplicationContext, ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule, type TestingModuleBuilder } from '@nestjs/testing';
import { type LaunchOptions, Perdure } from '@perdure/core';
import { PerdureModule, type PerdureModuleExtras, type PerdureModuleOptions } from '@perdure/nestjs';
import { inject, onTestFinished } from 'vitest';
import pg from 'pg';

/** Options of a module on a schema of its own, gone after the test. */
export function freshOptions(): LaunchOptions {
  const schema = `test_${randomUUID().replaceAll('-', '')}`;
  const databaseUrl = inject('postgresUrl');
  onTestFinished(async () => {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    await client.query(`drop schema if exists ${schema} cascade`);
    await client.end();
  });
  return { databaseUrl, schema, logger: silent };
}

/** A testing module with Perdure and these providers, closed after the test. */
export async function compile(
  metadata: ModuleMetadata,
  {
    change = (builder) => builder,
    ...options
  }: PerdureModuleOptions &
    PerdureModuleExtras & {
      readonly change?: (builder: TestingModuleBuilder) => TestingModuleBuilder;
    } = freshOptions(),
): Promise<TestingModule> {
  const imports = [...(metadata.imports ?? []), PerdureModule.forRoot(options)];
  const module = await change(Test.createTestingModule({ ...metadata, imports })).compile();
  closeAfterTest(module);
  return module;
}

export function closeAfterTest(app: INestApplicationContext): void {
  onTestFinished(() => app.close());
}

/** Launches an engine as a module does, and shows it. */
export function launching(): { readonly perdure: Perdure; launch(options: LaunchOptions): Promise<Perdure> } {
  let launched: Perdure | undefined;
  return {
    get perdure() {
      if (launched === undefined) throw new Error('The engine is not launched yet');
      return launched;
    },
    launch: async (options) => (launched = await Perdure.launch(options)),
  };
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };
