import { type LaunchOptions, type Perdure } from '@perdure/core';
import { crash } from '@perdure/core/internal';
import { httpWorkflows } from '@perdure/http';
import { onTestFinished } from 'vitest';
import type { databases, TestDatabase } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';
import type { AppOptions, Framework, TestApp, TestRoute } from './frameworks.js';
import { type Received, type Sent, send } from './http-client.js';

export interface Place {
  readonly framework: Framework;
  readonly open: (typeof databases)[number]['open'];
}

/** One server with its engine. Several of them on one database are several processes to the database. */
export interface Server {
  readonly perdure: Perdure;
  readonly app: TestApp;
  post(path: string, sent?: Sent): Promise<Received>;
  /** Stops the engine dead, and cuts every connection. */
  crash(): Promise<void>;
}

export interface Bench {
  readonly test: TestDatabase;
  readonly server: Server;
  /** Another server on the same database. */
  another(options?: Partial<LaunchOptions>): Promise<Server>;
}

export interface BenchOptions {
  readonly app?: AppOptions;
  readonly launch?: Partial<LaunchOptions>;
  readonly workflows?: LaunchOptions['workflows'];
}

/** A database, an engine and a server with these routes, gone after the test. */
export async function bench(
  { framework, open }: Place,
  routes: readonly TestRoute[],
  { app: appOptions = {}, launch = {}, workflows = [] }: BenchOptions = {},
): Promise<Bench> {
  const test = await freshDatabase(open);
  const ofRoutes = routes.flatMap((route) => (route.kind === 'durable' ? [route.workflow] : []));
  const known = [...new Map([...ofRoutes, ...workflows].map((it) => [it.definition.name, it])).values()];

  async function start(options: Partial<LaunchOptions>): Promise<Server> {
    const perdure = await launchEngine(test, { workflows: [...known, ...httpWorkflows()], ...launch, ...options });
    const app = await framework.start(perdure, routes, appOptions);
    onTestFinished(() => app.abandon());
    return {
      perdure,
      app,
      post: (path, sent) => send(app.url + path, sent),
      async crash() {
        await perdure[crash]();
        app.abandon();
      },
    };
  }

  return {
    test,
    server: await start({}),
    another: async (options = {}) => await start({ database: await test.reopen(), ...options }),
  };
}
