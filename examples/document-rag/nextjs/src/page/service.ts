/** What the page asks of the service. */

export interface Answer {
  readonly content: string;
  readonly sources: readonly string[];
}

export interface Progress {
  readonly documents: number;
  readonly indexed: number;
  readonly failed: number;
}

/** Starts indexing, and returns the id of the run. */
export async function index(urls: readonly string[]): Promise<string> {
  return (await post<{ readonly id: string }>('/index', JSON.stringify({ urls }))).id;
}

/** Returns the URL that the file can be indexed by. */
export async function upload(file: File): Promise<string> {
  const form = new FormData();
  form.set('file', file);
  return (await post<{ readonly url: string }>('/uploads', form)).url;
}

export async function ask(message: string): Promise<Answer> {
  return await post<Answer>('/chat', JSON.stringify({ message }));
}

export async function progressOf(run: string): Promise<Progress> {
  return await answerOf<Progress>(await fetch(`/runs/${run}`));
}

async function post<T>(path: string, body: FormData | string): Promise<T> {
  const headers = typeof body === 'string' ? { 'content-type': 'application/json' } : undefined;
  return await answerOf<T>(await fetch(path, { method: 'POST', body, ...(headers && { headers }) }));
}

async function answerOf<T>(response: Response): Promise<T> {
  const body = (await response.json()) as T & { readonly error?: string };
  if (!response.ok) throw new Error(body.error ?? `The service answered ${response.status}`);
  return body;
}
