import { type ClientOptions, type LaunchOptions, Perdure, PerdureClient } from '@perdure/core';
import { TestEngine, type TestEngineOptions } from '@perdure/testing';
import { afterEach } from 'vitest';
import type { databases, TestDatabase } from './databases.js';
import { laneOptions } from './lanes.js';

const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

/** Calls this after the test, before what was asked for earlier. */
export function afterThisTest(cleanUp: () => Promise<void>): void {
  cleanUps.push(cleanUp);
}

/** A schema of its own, gone after the test. */
export async function freshDatabase(open: (typeof databases)[number]['open']): Promise<TestDatabase> {
  const database = await open();
  afterThisTest(() => database.dispose());
  return database;
}

/** An engine in real time, shut down after the test. */
export async function launchEngine(test: TestDatabase, options: LaunchOptions): Promise<Perdure> {
  const perdure = await Perdure.launch({
    database: test.database,
    schema: test.schema,
    logger: silent,
    ...laneOptions,
    ...options,
  });
  afterThisTest(() => perdure.shutdown({ drainMs: 0 }));
  return perdure;
}

/** A client without an engine, closed after the test. */
export async function connectClient(test: TestDatabase, options: ClientOptions = {}): Promise<PerdureClient> {
  const client = await PerdureClient.connect({
    database: test.database,
    schema: test.schema,
    logger: silent,
    notifications: laneOptions.notifications ?? true,
    ...options,
  });
  afterThisTest(() => client.close());
  return client;
}

/** An engine in virtual time, closed after the test. */
export async function testEngine(test: TestDatabase, options: TestEngineOptions): Promise<TestEngine> {
  const engine = await TestEngine.create({
    database: test.database,
    schema: test.schema,
    logger: silent,
    ...laneOptions,
    ...options,
  });
  afterThisTest(() => engine.close());
  return engine;
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };
