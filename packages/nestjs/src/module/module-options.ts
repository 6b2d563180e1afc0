import type { LaunchOptions, Perdure } from '@perdure/core';
import type { HttpOptions } from '@perdure/http';
import type { CloseOptions } from '@perdure/http/node';

/** What {@link PerdureModule} is given: how the engine is launched, and what is to be added for Nest. */
export interface PerdureModuleOptions extends Omit<LaunchOptions, 'workflows' | 'privateWorkflows'> {
  /**
   * The workflows that the engine runs beside those that are providers. All functions that the process has made workflows
   * by default; with a list, also of these an application has its own.
   */
  readonly workflows?: NonNullable<LaunchOptions['workflows']>;
  /** How idempotent and durable routes treat requests, and who may see runs. */
  readonly http?: HttpOptions<never>;
  /**
   * When the engine begins to run workflows: `bootstrap` (default), when the modules are ready, or `manual`, when you call
   * `PerdureRunner.start()`.
   */
  readonly start?: 'bootstrap' | 'manual';
  /** How long requests and steps under way get when the application is closed. */
  readonly shutdown?: CloseOptions;
  /** Launches the engine, `Perdure.launch` by default; for tests with an engine of their own. */
  readonly launch?: (options: LaunchOptions) => Promise<Perdure>;
}

/** What has to be known of {@link PerdureModule} before anything is injected. */
export interface PerdureModuleExtras {
  /** Whether everything can be injected in any module; true by default. */
  readonly isGlobal?: boolean;
  /**
   * Whether workflows that any handler starts get their ids from the key of its request, and know the request; true by
   * default. `false`: only in handlers with `@Idempotent` or `@Durable`.
   */
  readonly bind?: boolean;
}
