import { currentRun } from '@perdure/core';

/** The documents, as the server offers them. */
export class Library {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async list(): Promise<string[]> {
    const response = await get(`${this.#url}/documents`);
    return (await response.json()) as string[];
  }

  async fetch(path: string): Promise<string> {
    const response = await get(`${this.#url}/documents/${encodeURIComponent(path)}`);
    return await response.text();
  }
}

async function get(url: string): Promise<Response> {
  // The signal of the step ends the request when the step's timeout is over, or its run is cancelled.
  const response = await fetch(url, { signal: currentRun()?.signal ?? null });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}
