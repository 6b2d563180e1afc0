import { hostname } from 'node:os';
import type { LogItem } from '../checkpoint-log/checkpoint-log.js';
import type { ErrorClass } from '../codec/codec.js';
import type { Database } from '../database/database.js';
import type { PoolLike } from '../database/postgres.js';
import { checkSchemaName } from '../database/identifier.js';
import { InvalidArgumentError } from '../errors/errors.js';
import { type ResolvedRule, resolveRules, type RetentionRule } from '../management/retention.js';
import { suspectCrashes } from '../recovery/suspects.js';
import type { Clock } from '../seams/clock.js';
import { ConsoleLogger } from '../seams/console-logger.js';
import type { Logger } from '../seams/logger.js';
import { type Random, SystemRandom } from '../seams/random.js';
import { SystemClock } from '../seams/system-clock.js';
import { type Duration, toMs } from '../util/duration.js';
import { type Carrier, checkCarriers } from '../workflow/carriers.js';
import { checkName } from '../workflow/names.js';
import type { Workflow } from '../workflow/workflow.js';
import { type ResolvedTracing, resolveTracing, type TracingOptions } from '../tracing/tracing-options.js';
import { checkList, isObject, told } from '../util/given.js';

/** How an engine is launched. With no options at all: embedded Postgres in `.perdure/`. */
export interface LaunchOptions {
  /** A Postgres connection string. Unset or empty, with no `pool` and no `database`: embedded Postgres in `folder`. */
  readonly databaseUrl?: string | undefined;
  /** Your own `pg` Pool. It is never closed. */
  readonly pool?: PoolLike;
  /** A database opened with `postgres()` or `embedded()`, which you close yourself. */
  readonly database?: Database;
  /**
   * Where the embedded Postgres (PGlite) keeps its data; `.perdure` by default. One process at a time may use it. It
   * never calls fsync: what it holds survives `kill -9`, but not a power cut.
   */
  readonly folder?: string;
  /** The schema for the engine's tables; `perdure` by default. Several applications may share a database by schema. */
  readonly schema?: string;
  /** `false`: only check that the schema is up to date, for a role that may not create tables. */
  readonly migrate?: boolean;
  /** The workflows that this engine runs; all that the process has defined by default. */
  readonly workflows?: readonly Pick<Workflow<never[], unknown>, 'definition'>[];
  /** Those that it runs besides, and no other engine of the process: an adapter's, whose workflows belong to one application. */
  readonly privateWorkflows?: readonly Pick<Workflow<never[], unknown>, 'definition'>[];
  /** The queues that this engine serves, by name; all by default. It may enqueue into any. */
  readonly queues?: readonly (string | { readonly name: string })[];
  /** Error classes that come back as themselves from a recorded step. */
  readonly errors?: readonly ErrorClass[];
  /** What runs take along from the code that starts them, such as whose request it is; see {@link Carrier}. */
  readonly carriers?: readonly Carrier[];
  /**
   * How runs are traced in the OpenTelemetry SDK that the application registers; `false`: not at all. Without an SDK it costs
   * nothing.
   */
  readonly tracing?: false | TracingOptions;
  /**
   * Any pino logger, for what the engine has to say and for what workflows and steps `log`. By default, warnings and errors
   * of the engine go to stderr, and what is logged from `info` on.
   */
  readonly logger?: Logger;
  /** How long a dead process keeps its runs; 15 s by default. */
  readonly lease?: Duration;
  /** How often to look for runs to take, where no notification says so; 2 s by default. */
  readonly poll?: Duration;
  /**
   * `false`: neither LISTEN nor NOTIFY. Other processes' work and results are then found by polling alone, which is always
   * on. Not needed behind a pooler in transaction mode: that notifications don't arrive is found out and logged.
   */
  readonly notifications?: boolean;
  /**
   * How long a run waits, for a time, a message or a child, before it leaves memory; 10 s by default, `false`: never. It
   * comes back when there is something to do, in whichever process takes it. Where `maxRuns` and more are in memory, those
   * that wait leave it sooner.
   */
  readonly parkAfter?: Duration | false;
  /**
   * `compatible`: runs of versions that no living process has any more are taken over by the versions of this process, if
   * replaying them shows that its code fits. By default they wait for a process with their version; see `perdure.check()`.
   */
  readonly adopt?: 'compatible';
  /** How many runs to take over and continue at once; 10,000 by default. */
  readonly maxRuns?: number;
  /** With more crashes in a row than this, without progress, a run is put to `dead`; 5 by default, and at least 2 (docs/adr/0005). */
  readonly maxCrashes?: number;
  /**
   * How much may wait to be written while the database is slow or away, in bytes; 64 MiB by default. Beyond that, starts
   * from outside are refused with an `OverloadedError`, and no runs are taken from other processes.
   */
  readonly maxBacklogBytes?: number;
  /**
   * How long runs that have ended are kept; for ever by default. What goes is deleted with its history, now and then, in small
   * batches; see {@link RetentionRule}.
   */
  readonly retention?: readonly RetentionRule[];
  /** What runs may take from their start to their completion where neither they nor their workflows say so; no limit by default. */
  readonly timeout?: Duration;
  /** The largest encoded value that is stored; 2 MiB by default. */
  readonly maxPayloadBytes?: number;
}

/** How a client is connected; see {@link LaunchOptions}. */
export type ClientOptions = Pick<
  LaunchOptions,
  | 'databaseUrl'
  | 'pool'
  | 'database'
  | 'schema'
  | 'errors'
  | 'carriers'
  | 'tracing'
  | 'logger'
  | 'notifications'
  | 'timeout'
  | 'maxPayloadBytes'
>;

/** For tests: what the engine takes time and randomness from, and where it can be stopped. */
export interface SeamOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  /** Called when items are durable, before anybody hears of it; the run goes on when the promise resolves. */
  readonly afterFlush?: (items: readonly LogItem[]) => Promise<void>;
  /** How many items share a commit at most. */
  readonly flushItemsMax?: number;
}

/** Every option present, checked, in the units that the engine counts in. The only place where defaults live. */
export interface ResolvedOptions {
  readonly schema: string;
  readonly migrate: boolean;
  readonly label: string;
  readonly leaseMs: number;
  readonly sweepMs: number;
  readonly pollMs: number;
  readonly resultPollMs: number;
  readonly notifications: boolean;
  readonly queues: readonly string[] | null; // null = all
  readonly parkMs: number | null; // null = never
  readonly adoptsCompatible: boolean;
  /** How often to look for runs whose code no process has. */
  readonly strandedMs: number;
  readonly runsMax: number;
  readonly claimBatch: number;
  readonly crashesMax: number;
  readonly payloadBytesMax: number;
  readonly retention: readonly ResolvedRule[];
  readonly timeoutMs: number | null; // null = none
  readonly backlogBytesMax: number;
  readonly carriers: readonly Carrier[];
  readonly tracing: ResolvedTracing | null; // null = none
  readonly logger: Logger;
  /** For what workflows and steps log. */
  readonly runLogger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly afterFlush: ((items: readonly LogItem[]) => Promise<void>) | null;
  readonly flushItemsMax: number;
}

export function resolveOptions(options: LaunchOptions & SeamOptions): ResolvedOptions {
  const leaseMs = toMs(options.lease ?? '15s', 'lease');
  if (leaseMs < 300) throw new InvalidArgumentError(`lease must be at least 300 ms, not ${leaseMs}`);
  const pollMs = toMs(options.poll ?? '2s', 'poll');
  return {
    schema: checkSchemaName(options.schema ?? 'perdure'),
    migrate: options.migrate ?? true,
    label: `${hostname()}:${process.pid}`,
    leaseMs,
    sweepMs: Math.min(2_000, leaseMs / 3),
    pollMs,
    resultPollMs: 1_000,
    notifications: options.notifications ?? true,
    queues: queueNames(options.queues),
    parkMs: parkMs(options.parkAfter ?? '10s'),
    adoptsCompatible: checkAdopt(options.adopt),
    strandedMs: 15 * pollMs,
    runsMax: positive(options.maxRuns ?? 10_000, 'maxRuns'),
    claimBatch: 500,
    crashesMax: checkMaxCrashes(options.maxCrashes ?? 5),
    backlogBytesMax: positive(options.maxBacklogBytes ?? 64 * 1024 * 1024, 'maxBacklogBytes'),
    payloadBytesMax: positive(options.maxPayloadBytes ?? 2 * 1024 * 1024, 'maxPayloadBytes'),
    retention: resolveRules(options.retention ?? []),
    timeoutMs: options.timeout === undefined ? null : toMs(options.timeout, 'timeout'),
    carriers: checkCarriers(options.carriers ?? []),
    tracing: resolveTracing(options.tracing ?? {}),
    logger: options.logger ?? new ConsoleLogger(),
    runLogger: options.logger ?? new ConsoleLogger({ least: 'info' }),
    clock: options.clock ?? new SystemClock(),
    random: options.random ?? new SystemRandom(),
    afterFlush: options.afterFlush ?? null,
    flushItemsMax: options.flushItemsMax ?? 1_000,
  };
}

/** A run becomes a suspect, which is executed alone, before it may be ended: a bystander of one crash must not be. */
function checkMaxCrashes(maxCrashes: number): number {
  if (Number.isSafeInteger(maxCrashes) && maxCrashes >= suspectCrashes) return maxCrashes;
  throw new InvalidArgumentError(
    `maxCrashes must be a whole number of at least ${suspectCrashes}, not ${told(maxCrashes)}: a run is tried alone only after so many crashes`,
  );
}

function checkAdopt(adopt: unknown): boolean {
  if (adopt === undefined || adopt === 'compatible') return adopt !== undefined;
  throw new InvalidArgumentError(`adopt must be 'compatible' or left out, not ${told(adopt)}`);
}

function parkMs(parkAfter: Duration | false): number | null {
  if (parkAfter === false) return null;
  const ms = toMs(parkAfter, 'parkAfter');
  if (ms >= 100) return ms;
  throw new InvalidArgumentError(`parkAfter must be at least 100 ms, not ${ms}: coming back costs a replay`);
}

function queueNames(queues: LaunchOptions['queues']): readonly string[] | null {
  if (queues === undefined) return null;
  checkList('queues', queues);
  return [...queues].map((queue) => checkName('queue', isObject(queue) ? queue.name : queue));
}

function positive(value: number, option: string): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError(`${option} must be a whole number above 0, not ${told(value)}`);
}
