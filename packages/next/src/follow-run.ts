/** What is known of a run. */
export interface RunState<Result> {
  /** Null until the server has answered, and where it does not tell how a run ended that did not complete. */
  readonly status: string | null;
  readonly isFinished: boolean;
  /** The result, or the body of the response that the workflow made; undefined until there is one. */
  readonly result: Result | undefined;
  /** Why there will be no result: the run failed, was cancelled, or is not this client's. */
  readonly error: Error | undefined;
  /** The latest value of each event that was asked for, by its key. */
  readonly events: Readonly<Record<string, unknown>>;
  /** What each stream holds that was asked for, by its name, without what was taken back. */
  readonly streams: Readonly<Record<string, readonly unknown[]>>;
}

export interface Followed {
  /** Where the run's endpoints are. */
  readonly url: string;
  /** Keys of events that the server publishes. */
  readonly events: readonly string[];
  /** Names of streams that the server publishes. */
  readonly streams: readonly string[];
}

type Show<Result> = (change: Partial<RunState<Result>>) => void;

const headers = { accept: 'application/json' };

/** For so many seconds at a time the server is to wait for the result. */
const waitSeconds = 20;

/** The longest pause before a question is asked again to which no answer came. */
const pauseMsMax = 10_000;

/**
 * Shows what becomes of a run until it has ended: what it publishes by server-sent events, then its result. A connection that
 * breaks is made again, and where there are no events to be had, the result is waited for.
 */
export async function followRun<Result>(run: Followed, signal: AbortSignal, show: Show<Result>): Promise<void> {
  const published = listeners(run, show);
  try {
    let response = await asked(`${run.url}/result`, signal);
    let isWatched = false;
    while (!isSettled(response)) {
      show(statusIn(await response.json()));
      isWatched = await watched(run, published, signal, show);
      response = await asked(`${run.url}/result?wait=${waitSeconds}`, signal);
    }
    if (!isWatched && published.size > 0) isWatched = await watched(run, published, signal, show);
    const body = await bodyOf(response);
    if (response.ok) return show({ isFinished: true, status: 'completed', result: body as Result });
    show({ isFinished: true, ...(!isWatched && { status: null }), error: errorOf(response.status, body) });
    // An error is the workflow's own, whatever became of the run; its events tell that.
    if (!isWatched) await watched(run, published, signal, show);
  } catch (error) {
    show({ error: error instanceof Error ? error : new Error(String(error)) });
  }
}

/** Takes the data of one event. */
type Listener = (data: unknown) => void;

/** Resolves with true when the run has ended, and with false when there are no events to be had. */
async function watched(
  run: Followed,
  published: ReadonlyMap<string, Listener>,
  signal: AbortSignal,
  show: Show<never>,
): Promise<boolean> {
  const source = new EventSource(`${run.url}/events`);
  const over = new AbortController();
  const listen = (name: string, heard: Listener): void =>
    source.addEventListener(name, (event: Event) => heard(JSON.parse((event as MessageEvent).data as string)));
  try {
    return await new Promise((resolve) => {
      if (signal.aborted) resolve(false);
      signal.addEventListener('abort', () => resolve(false), { signal: over.signal });
      for (const [name, heard] of published) listen(name, heard);
      listen('run', (data) => show(statusIn(data)));
      listen('end', (data) => {
        show(statusIn(data));
        resolve(true);
      });
      source.addEventListener('error', () => {
        if (source.readyState === EventSource.CLOSED) resolve(false);
      });
    });
  } finally {
    over.abort();
    source.close();
  }
}

/** One item of a stream, or those that were taken back because a step was tried again. */
interface StreamItem {
  readonly offset: number;
  readonly value?: unknown;
  readonly discarded?: readonly { readonly first: number; readonly last: number }[];
}

/** What takes what a run publishes, by its name; the same for all connections, of which each begins anew. */
function listeners(run: Followed, show: Show<never>): ReadonlyMap<string, Listener> {
  const taking = new Map<string, Listener>();
  let events: Readonly<Record<string, unknown>> = {};
  for (const key of run.events) {
    taking.set(key, (value) => {
      events = { ...events, [key]: value };
      show({ events });
    });
  }
  let streams: Readonly<Record<string, readonly unknown[]>> = {};
  for (const name of run.streams) {
    const values = new Map<number, unknown>();
    taking.set(name, (data) => {
      const { offset, value, discarded } = data as StreamItem;
      if (discarded === undefined) values.set(offset, value);
      for (const { first, last } of discarded ?? []) {
        for (const known of values.keys()) if (known >= first && known <= last) values.delete(known);
      }
      streams = { ...streams, [name]: [...values.values()] };
      show({ streams });
    });
  }
  return taking;
}

/** The answer to a question, which is asked again for as long as none comes: a server that is replaced is away for a while. */
async function asked(url: string, signal: AbortSignal): Promise<Response> {
  for (let failures = 0; ; failures += 1) {
    const response = await fetch(url, { signal, headers }).catch((error: unknown) => {
      if (signal.aborted) throw error;
      return null;
    });
    if (response !== null && !isPassing(response)) return response;
    const pauseMs = Math.min(pauseMsMax, 500 * 2 ** failures);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** Whether an answer is no more than that there is none now: by the server itself, or by a proxy in front of it. */
function isPassing({ status, headers: given }: Response): boolean {
  if (status !== 429 && (status < 502 || status > 504)) return false;
  return given.has('retry-after') || given.get('content-type')?.includes('json') !== true;
}

/** A workflow may answer with 202, too. What has yet to end is said to be worth asking for again. */
const isSettled = ({ status, headers: given }: Response): boolean => status !== 202 || !given.has('retry-after');

/** An application may publish an event of its own under a name that tells the status elsewhere. */
function statusIn(data: unknown): { readonly status?: string } {
  const { status } = (data ?? {}) as { readonly status?: unknown };
  return typeof status === 'string' ? { status } : {};
}

async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === '') return undefined;
  return response.headers.get('content-type')?.includes('json') === true ? JSON.parse(text) : text;
}

function errorOf(status: number, body: unknown): Error {
  const { detail } = (typeof body === 'object' && body !== null ? body : {}) as { readonly detail?: unknown };
  return Object.assign(new Error(typeof detail === 'string' ? detail : `The server answered ${status}.`), { status });
}
