import { useEffect, useState } from 'react';

/** What is known of a run. */
export interface RunState<Result> {
  /** Null until the server has answered. */
  readonly status: string | null;
  readonly isFinished: boolean;
  /** The result, or the body of the response that the workflow made; undefined until there is one. */
  readonly result: Result | undefined;
  /** Why there will be no result: the run failed, was cancelled, or is not this client's. */
  readonly error: Error | undefined;
}

export interface UseRunOptions {
  /** Where the run endpoints are; `/runs` by default. */
  readonly path?: string;
}

/**
 * Follows a run until it has ended: its status by server-sent events, then its result. A connection that breaks is made again.
 *
 * @example
 * const { status, result, error } = useRun<Receipt>(workflowId);
 */
export function useRun<Result = unknown>(
  workflowId: string | null | undefined,
  { path = '/runs' }: UseRunOptions = {},
): RunState<Result> {
  const url = workflowId == null ? null : `${path}/${encodeURIComponent(workflowId)}`;
  const [known, setKnown] = useState<Known<Result>>(nothing);

  useEffect(() => {
    if (url === null) return;
    const gone = new AbortController();
    const show = (change: Partial<RunState<Result>>): void => {
      if (gone.signal.aborted) return;
      setKnown((before) => ({ url, state: { ...(before.url === url ? before : nothing<Result>()).state, ...change } }));
    };
    void follow<Result>(url, gone.signal, show);
    return () => gone.abort();
  }, [url]);

  return known.url === url ? known.state : nothing<Result>().state;
}

interface Known<Result> {
  /** The run that this is about. */
  readonly url: string | null; // null = none
  readonly state: RunState<Result>;
}

function nothing<Result>(): Known<Result> {
  return { url: null, state: { status: null, isFinished: false, result: undefined, error: undefined } };
}

async function follow<Result>(
  url: string,
  signal: AbortSignal,
  show: (change: Partial<RunState<Result>>) => void,
): Promise<void> {
  try {
    const first = await fetch(`${url}/result`, { signal, headers });
    if (first.status === 202) {
      show(statusIn(await first.json()));
      await watched(url, signal, (data) => show(statusIn(JSON.parse(data))));
    }
    const response = isSettled(first) ? first : await settled(url, signal);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    const body: unknown = text === '' ? undefined : isJson ? JSON.parse(text) : text;
    if (response.ok) show({ isFinished: true, status: 'completed', result: body as Result });
    else show({ isFinished: true, error: errorOf(response.status, body) });
  } catch (error) {
    show({ error: error instanceof Error ? error : new Error(String(error)) });
  }
}

/** Resolves when the run has ended, or when there are no events to be had: the result is asked for in either case. */
async function watched(url: string, signal: AbortSignal, onStatus: (data: string) => void): Promise<void> {
  const events = new EventSource(`${url}/events`);
  try {
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
      events.addEventListener('run', ({ data }: MessageEvent<string>) => onStatus(data));
      events.addEventListener('end', ({ data }: MessageEvent<string>) => {
        onStatus(data);
        resolve();
      });
      events.addEventListener('error', () => {
        if (events.readyState === EventSource.CLOSED) resolve();
      });
    });
  } finally {
    events.close();
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

const headers = { accept: 'application/json' };

const isSettled = ({ status }: Response): boolean => status !== 202 && status !== 503;

/** Where an application publishes events of its own, those of this name may be others. */
function statusIn(data: unknown): { readonly status?: string } {
  const { status } = (data ?? {}) as { readonly status?: unknown };
  return typeof status === 'string' ? { status } : {};
}

function errorOf(status: number, body: unknown): Error {
  const { detail } = (typeof body === 'object' && body !== null ? body : {}) as { readonly detail?: unknown };
  return Object.assign(new Error(typeof detail === 'string' ? detail : `The server answered ${status}.`), { status });
}
