import { createCodec, type ErrorClass } from '../codec/codec.js';
import type { Database } from '../database/database.js';
import { measuredDatabase } from '../metrics/measured-database.js';
import { openTelemetryMetrics } from '../metrics/open-telemetry.js';
import { noNotifications } from '../store/notifications.js';
import { createStore } from '../store/store.js';
import { Tracing } from '../tracing/tracing.js';
import { carriedBytesMax, Carriers } from '../workflow/carriers.js';
import { processState } from '../workflow/process-state.js';
import type { Registry } from '../workflow/registry.js';
import type { ResolvedOptions } from './engine-options.js';
import type { EngineServices } from './engine-services.js';
import { Hints } from './hints.js';
import { EngineMailbox } from './mailbox.js';

/** What all parts of an engine share, and the database as they are to use it. */
export function createServices(
  given: Database,
  options: ResolvedOptions,
  registry: Registry,
  errorClasses: readonly ErrorClass[],
): { readonly services: EngineServices; readonly database: Database } {
  const { clock, random, logger, resultPollMs: pollMs } = options;
  const metrics = openTelemetryMetrics();
  const database = metrics.isOn ? measuredDatabase(given, metrics) : given;
  const store = createStore(database, options.schema);
  const classes = [...errorClasses, ...registry.all().flatMap((definition) => definition.errorClasses)];
  const services: EngineServices = {
    clock,
    random,
    logger,
    metrics,
    tracing: new Tracing(options.tracing, clock, logger),
    store,
    codec: createCodec({ errorClasses: classes, maxBytes: options.payloadBytesMax }),
    carriers: new Carriers(options.carriers, createCodec({ errorClasses: classes, maxBytes: carriedBytesMax })),
    contexts: processState().contexts,
    mailbox: new EngineMailbox({ messages: store.messages, clock, random, logger, pollMs }),
    hints: new Hints(options.notifications ? store.notifications : noNotifications, clock, logger),
    registry,
    options,
  };
  return { services, database };
}
