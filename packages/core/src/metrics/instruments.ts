/** What an instrument counts or measures. `lasting` times are those of whole runs, which may take days. */
type Kind = 'counter' | 'times' | 'lasting times' | 'up-down' | 'gauge';

export interface InstrumentSettings {
  readonly kind: Kind;
  readonly unit: string;
  readonly description: string;
}

/** Every metric, by its name (docs/metrics.md). */
export const instruments = {
  'perdure.workflow.started': {
    kind: 'counter',
    unit: '{workflow}',
    description: 'Runs that were started, by the process that started them',
  },
  'perdure.workflow.duration': {
    kind: 'lasting times',
    unit: 's',
    description: 'From the start of a run to its outcome, through crashes and waiting',
  },
  'perdure.workflow.active': {
    kind: 'up-down',
    unit: '{workflow}',
    description: 'Runs that are in the memory of this process',
  },
  'perdure.queue.depth': {
    kind: 'gauge',
    unit: '{workflow}',
    description: 'Runs that wait in a queue, counted up to 100,000',
  },
  'perdure.queue.age': {
    kind: 'gauge',
    unit: 's',
    description: 'How long the oldest run that may be taken has waited in a queue',
  },
  'perdure.queue.wait': {
    kind: 'lasting times',
    unit: 's',
    description: 'How long a run waited in its queue after it was due',
  },
  'perdure.step.duration': { kind: 'times', unit: 's', description: 'One try of a step' },
  'perdure.step.retries': { kind: 'counter', unit: '{retry}', description: 'Tries of steps that are to be repeated' },
  'perdure.checkpoint.duration': {
    kind: 'times',
    unit: 's',
    description: 'One commit of what runs record, with its repetitions',
  },
  'perdure.recovery.workflows': {
    kind: 'counter',
    unit: '{workflow}',
    description: 'Runs of other processes that were freed to go on elsewhere',
  },
  'perdure.recovery.delay': {
    kind: 'times',
    unit: 's',
    description: 'From the last heartbeat of a process that died to the freeing of its runs',
  },
  'perdure.replay.duration': {
    kind: 'times',
    unit: 's',
    description: 'How long a run took to get back to where its history ends',
  },
  'perdure.timer.lag': { kind: 'times', unit: 's', description: 'How much later than its time a sleep ended' },
  'perdure.heartbeat.delay': {
    kind: 'times',
    unit: 's',
    description: 'How much later than planned a heartbeat was answered',
  },
  'perdure.fenced_writes': {
    kind: 'counter',
    unit: '{write}',
    description: 'Writes that were refused because the process had lost its lease',
  },
  'perdure.dead': {
    kind: 'counter',
    unit: '{workflow}',
    description: 'Runs that were ended because process after process died under them',
  },
  'perdure.blocked': {
    kind: 'gauge',
    unit: '{workflow}',
    description: 'Runs that are set aside because the code differs from their history',
  },
  'perdure.db.errors': { kind: 'counter', unit: '{error}', description: 'Errors that the database answered with' },
  'perdure.db.oldest_snapshot_age': {
    kind: 'gauge',
    unit: 's',
    description: 'The age of the oldest transaction that keeps Postgres from cleaning up, as far as the role may see',
  },
  'db.client.connection.count': {
    kind: 'up-down',
    unit: '{connection}',
    description: 'Connections of a pool, in use and idle',
  },
  'db.client.connection.wait_time': {
    kind: 'times',
    unit: 's',
    description: 'How long it took to get a connection from a pool',
  },
} as const satisfies Readonly<Record<string, InstrumentSettings>>;

export type InstrumentName = keyof typeof instruments;

/** The names of one kind. */
export type NamesOf<K extends Kind> = {
  [Name in InstrumentName]: (typeof instruments)[Name]['kind'] extends K ? Name : never;
}[InstrumentName];

/** The upper ends of a histogram's buckets, in seconds. */
export const bucketsS = {
  times: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  'lasting times': [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400, 604_800],
} as const satisfies Partial<Record<Kind, readonly number[]>>;

/** What the attributes are called. */
export const names = {
  workflow: 'perdure.workflow.name',
  step: 'perdure.step.name',
  queue: 'perdure.queue.name',
  queueState: 'perdure.queue.state',
  outcome: 'perdure.outcome',
  reason: 'perdure.recovery.reason',
  pool: 'db.client.connection.pool.name',
  connectionState: 'db.client.connection.state',
} as const;

/** What an instrument is made with, besides its name. */
export const settingsOf = (name: InstrumentName): { unit: string; description: string } => {
  const { unit, description } = instruments[name];
  return { unit, description };
};
