import * as common from '@nestjs/common';
import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Perdure, type Queue, queue, type QueueSettings } from '@perdure/core';
import { getPerdureToken, getQueueToken } from '../tokens.js';
import {
  type ForRootAsyncOptions,
  type ForRootOptions,
  PerdureCoreModule,
  withInjectedWorkflows,
} from './perdure-core-module.js';
import { PerdureRunner } from './perdure-runner.js';

/**
 * Durable workflows in a Nest application. Import it in the root module, last: then its engine begins after the modules are
 * ready, and stops before what they connected to is gone.
 *
 * @example
 * @Module({
 *   imports: [OrdersModule, PerdureModule.forRoot({ databaseUrl: process.env.DATABASE_URL })],
 * })
 * export class AppModule {}
 */
@Module({})
export class PerdureModule implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #runner: PerdureRunner;

  // It is not global itself, because Nest starts global modules first and destroys them last.
  constructor(@Inject(PerdureRunner) runner: PerdureRunner) {
    this.#runner = runner;
  }

  static forRoot(options: ForRootOptions = {}): DynamicModule {
    return moduleAround(PerdureCoreModule.forRoot(options));
  }

  /** With `useFactory`, `useClass` or `useExisting`; a class has a method `createPerdureOptions`. */
  static forRootAsync(options: ForRootAsyncOptions): DynamicModule {
    return moduleAround(PerdureCoreModule.forRootAsync(options));
  }

  /**
   * Declares a queue, for `@InjectQueue(name)` in the module that imports this.
   *
   * @example
   * imports: [PerdureModule.registerQueue('emails', { concurrency: 20 })]
   */
  static registerQueue(name: string, settings: QueueSettings = {}): DynamicModule {
    const token = getQueueToken(name);
    const useFactory = (engine: Perdure): Queue => queue(name, settings).with({ engine });
    return {
      module: PerdureQueueModule,
      providers: [{ provide: token, useFactory, inject: [getPerdureToken()] }],
      exports: [token],
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    if (!this.#runner.isManual) await this.#runner.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.#runner.stop();
  }
}

/** A module for each queue that is registered. */
@Module({})
class PerdureQueueModule {}

function moduleAround(definition: DynamicModule): DynamicModule {
  const core = withInjectedWorkflows(definition);
  return { module: PerdureModule, imports: [core, ...deepDown(core)], exports: [PerdureCoreModule] };
}

/** Deeper than the modules of an application are. */
const depth = 32;

/**
 * Nest 10 destroys the deepest modules first, where later versions destroy them last. There, the core module drains the
 * engine, and has to be further down than whatever a workflow could need.
 */
function deepDown(core: DynamicModule): DynamicModule[] {
  // Nest 11 brought this exception.
  if ('IntrinsicException' in common) return [];
  let imported = core;
  for (let level = 0; level < depth; level += 1) {
    @Module({ imports: [imported] })
    class PerdureDepthModule {}
    imported = { module: PerdureDepthModule };
  }
  return [imported];
}
