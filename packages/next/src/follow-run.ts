/** What is known of a run. */
export interface RunState<Result> {
  /** Null until the server has answered. */
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

/**
 * Shows what becomes of a run until it has ended: what it publishes by server-sent events, then its result. A connection that
 * breaks is made again, and where there are none to be had, the result is waited for.
 */
export async function followRun<Result>(run: Followed, signal: AbortSignal, show: Show<Result>): Promise<void> {
  try {
    const first = await fetch(`${run.url}/result`, { signal, headers });
    if (first.status === 202) show(statusIn(await first.json()));
    if (first.status === 202 || run.events.length + run.streams.length > 0) await watched(run, signal, show);
    const response = isSettled(first) ? first : await settled(run.url, signal);
    const body = await bodyOf(response);
    if (response.ok) show({ isFinished: true, status: 'completed', result: body as Result });
    else show({ isFinished: true, error: errorOf(response.status, body) });
  } catch (error) {
    show({ error: error instanceof Error ? error : new Error(String(error)) });
  }
}

/** Resolves when the run has ended, or when there are no events to be had: the result is asked for in either case. */
async function watched(run: Followed, signal: AbortSignal, show: Show<never>): Promise<void> {
  const source = new EventSource(`${run.url}/events`);
  const listen = (name: string, heard: (data: unknown) => void): void =>
    source.addEventListener(name, (event: Event) => heard(JSON.parse((event as MessageEvent).data as string)));
  try {
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
      listenToPublished(run, listen, show);
      listen('run', (data) => show(statusIn(data)));
      listen('end', (data) => {
        show(statusIn(data));
        resolve();
      });
      source.addEventListener('error', () => {
        if (source.readyState === EventSource.CLOSED) resolve();
      });
    });
  } finally {
    source.close();
  }
}

type Listen = (name: string, heard: (data: unknown) => void) => void;

/** One item of a stream, or those that were taken back because a step was tried again. */
interface StreamItem {
  readonly offset: number;
  readonly value?: unknown;
  readonly discarded?: readonly { readonly first: number; readonly last: number }[];
}

function listenToPublished(run: Followed, listen: Listen, show: Show<never>): void {
  let events: Readonly<Record<string, unknown>> = {};
  for (const key of run.events) {
    listen(key, (value) => {
      events = { ...events, [key]: value };
      show({ events });
    });
  }
  let streams: Readonly<Record<string, readonly unknown[]>> = {};
  for (const name of run.streams) {
    const values = new Map<number, unknown>();
    listen(name, (data) => {
      const { offset, value, discarded } = data as StreamItem;
      if (discarded === undefined) values.set(offset, value);
      for (const { first, last } of discarded ?? []) {
        for (const known of values.keys()) if (known >= first && known <= last) values.delete(known);
      }
      streams = { ...streams, [name]: [...values.values()] };
      show({ streams });
    });
  }
}

/** The response of the run, waited for a while at a time. */
async function settled(url: string, signal: AbortSignal): Promise<Response> {
  for (;;) {
    const response = await fetch(`${url}/result?wait=20`, { signal, headers });
    if (isSettled(response)) return response;
    if (response.status === 503) await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

const isSettled = ({ status }: Response): boolean => status !== 202 && status !== 503;

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
