import type { Codec } from '../codec/codec.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Clock } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { Random } from '../seams/random.js';
import type { Store } from '../store/store.js';
import type { Carriers } from '../workflow/carriers.js';
import type { ContextStorage } from '../workflow/context.js';
import type { Registry } from '../workflow/registry.js';
import type { Tracing } from '../tracing/tracing.js';
import type { ResolvedOptions } from './engine-options.js';
import type { EngineMailbox } from './mailbox.js';
import type { Hints } from './hints.js';

/** What the parts of an engine share. */
export interface EngineServices {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly codec: Codec;
  readonly carriers: Carriers;
  readonly contexts: ContextStorage;
  readonly registry: Registry;
  readonly tracing: Tracing;
  readonly hints: Hints;
  readonly mailbox: EngineMailbox;
  readonly options: ResolvedOptions;
}
