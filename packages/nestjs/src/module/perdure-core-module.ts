import {
  ConfigurableModuleBuilder,
  type DynamicModule,
  Inject,
  Module,
  type NestModule,
  type OnModuleDestroy,
  Optional,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER, DiscoveryModule } from '@nestjs/core';
import { Perdure } from '@perdure/core';
import { CallIdempotency } from '../calls/call-idempotency.js';
import { PerdureHealthIndicator } from '../health-indicator.js';
import { PerdureBindInterceptor } from '../http/bind-interceptor.js';
import { IdempotencyInterceptor } from '../http/idempotency-interceptor.js';
import { PerdureErrorFilter } from '../http/error-filter.js';
import { PerdureHttp } from '../http/perdure-http.js';
import { PerdureProblemFilter } from '../http/problem-filter.js';
import { RequestBinding } from '../http/request-binding.js';
import { nestState } from '../nest-state.js';
import { getPerdureOptionsToken, getPerdureToken, getWorkflowToken } from '../tokens.js';
import { WorkflowHost } from '../workflows/workflow-host.js';
import { WorkflowRegistry } from '../workflows/workflow-registry.js';
import { LatePerdure } from './late-perdure.js';
import type { PerdureModuleExtras, PerdureModuleOptions } from './module-options.js';
import { PerdureRunner } from './perdure-runner.js';

const builder = new ConfigurableModuleBuilder<PerdureModuleOptions>({ optionsInjectionToken: getPerdureOptionsToken() })
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createPerdureOptions')
  .setExtras<PerdureModuleExtras>({ isGlobal: true, bind: true }, (definition, { isGlobal = true, bind = true }) => ({
    ...definition,
    global: isGlobal,
    providers: [...(definition.providers ?? []), ...(bind ? [RequestBinding] : [])],
  }))
  .build();

const own: Provider[] = [
  LatePerdure,
  { provide: getPerdureToken(), useFactory: ({ perdure }: LatePerdure) => perdure, inject: [LatePerdure] },
  { provide: Perdure, useExisting: getPerdureToken() },
  WorkflowHost,
  WorkflowRegistry,
  PerdureRunner,
  PerdureHttp,
  CallIdempotency,
  PerdureBindInterceptor,
  IdempotencyInterceptor,
  PerdureHealthIndicator,
];

/** The engine of an application, and what works with it. It is global, unless it is told not to be. */
@Module({
  imports: [DiscoveryModule],
  // They catch nothing but this package's own errors, so that they may be global.
  providers: [
    ...own,
    { provide: APP_FILTER, useClass: PerdureProblemFilter },
    { provide: APP_FILTER, useClass: PerdureErrorFilter },
  ],
  exports: own,
})
export class PerdureCoreModule extends builder.ConfigurableModuleClass implements NestModule, OnModuleDestroy {
  readonly #runner: PerdureRunner;
  readonly #binding: RequestBinding | null; // null = the option `bind` is false

  constructor(
    @Inject(PerdureRunner) runner: PerdureRunner,
    @Optional() @Inject(RequestBinding) binding: RequestBinding | null = null,
  ) {
    super();
    this.#runner = runner;
    this.#binding = binding;
  }

  configure(): void {
    this.#binding?.install();
  }

  /** In Nest 10, which destroys the deepest modules first; in later versions {@link PerdureModule} has done it by now. */
  async onModuleDestroy(): Promise<void> {
    await this.#runner.stop();
  }
}

export type ForRootOptions = Parameters<typeof PerdureCoreModule.forRoot>[0];
export type ForRootAsyncOptions = Parameters<typeof PerdureCoreModule.forRootAsync>[0];

/** Adds a provider for each class that `@InjectWorkflow` asks for, anywhere: when Nest reads this, all files were loaded. */
export function withInjectedWorkflows(definition: DynamicModule): DynamicModule {
  const workflows = (): Provider[] =>
    [...nestState().injected].map((cls) => ({
      provide: getWorkflowToken(cls),
      useFactory: (registry: WorkflowRegistry) => registry.get(cls),
      inject: [WorkflowRegistry],
    }));
  return {
    ...definition,
    get providers() {
      return [...(definition.providers ?? []), ...workflows()];
    },
    get exports() {
      return [...(definition.exports ?? []), ...[...nestState().injected].map(getWorkflowToken)];
    },
  };
}
